# frozen_string_literal: true

module TutorQuality
  # Retries after a lost connection, a 429 or a 5xx, with exponential backoff and jitter.
  class Retries
    FIRST_WAIT = 0.5
    LONGEST_WAIT = 30.0

    # `tries` includes the first attempt. Tests pass `sleep` and `random`.
    def initialize(tries: 4, sleep: Kernel.method(:sleep), random: Random.new)
      @tries = tries
      @sleep = sleep
      @random = random
    end

    # Returns the block's value. Raises the error of the last attempt, and errors that a retry cannot fix immediately.
    def run
      tried = 0
      begin
        yield
      rescue ConnectionFailed, RateLimited, Unavailable => error
        tried += 1
        raise if tried >= @tries || too_long?(error)

        @sleep.call(wait(tried, error))
        retry
      end
    end

    private

    # Half of the wait is fixed, half random; never less than `Retry-After`.
    def wait(tried, error)
      full = [FIRST_WAIT * (2**(tried - 1)), LONGEST_WAIT].min
      full * (0.5 + (@random.rand / 2)) + asked_for(error)
    end

    # A job should be rescheduled rather than sleep for minutes.
    def too_long?(error)
      asked_for(error) > LONGEST_WAIT
    end

    def asked_for(error)
      error.is_a?(Problem) ? error.retry_after.to_f : 0.0
    end
  end
end
