# frozen_string_literal: true

module TutorQuality
  # Asks again after a lost connection, a 429 or a 5xx: later each time, and by chance, so that not all come at once.
  class Retries
    FIRST_WAIT = 0.5
    LONGEST_WAIT = 30.0

    # `tries` counts the first one. `sleep` and `random` are handed in by tests.
    def initialize(tries: 4, sleep: Kernel.method(:sleep), random: Random.new)
      @tries = tries
      @sleep = sleep
      @random = random
    end

    # What the block gives. Raises the error of the last try, and at once what trying again cannot mend.
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

    # Half of the wait is certain, half by chance; never less than what was asked for.
    def wait(tried, error)
      full = [FIRST_WAIT * (2**(tried - 1)), LONGEST_WAIT].min
      full * (0.5 + (@random.rand / 2)) + asked_for(error)
    end

    # A job is better put off than asleep for minutes.
    def too_long?(error)
      asked_for(error) > LONGEST_WAIT
    end

    def asked_for(error)
      error.is_a?(Problem) ? error.retry_after.to_f : 0.0
    end
  end
end
