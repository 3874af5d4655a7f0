# frozen_string_literal: true

module TutorQuality
  # Anything this client raises.
  class Error < StandardError; end

  # No connection, or no answer in time. Whether the other side did something is not known: ask again, with the same id.
  class ConnectionFailed < Error; end

  # A success without the JSON that belongs to it: cut off, or a page of a proxy in between. Ask again, with the same id.
  class UnreadableAnswer < ConnectionFailed; end

  # A webhook that is not signed with a secret of ours, or too old. Answer 401 and do nothing.
  class BadSignature < Error; end

  # An address or a key with which no request can be made.
  class InvalidSetting < Error; end

  # A secret that is too short, is not base64, or is missing.
  class InvalidSecret < InvalidSetting; end

  # A value that the service would refuse, or that JSON or a header cannot hold: a rating of 9, NaN, text that is not
  # UTF-8, a line break in an id. Nothing was sent.
  class InvalidContent < Error; end

  # A problem document (RFC 9457). `code` is for programs, `message` for people; `errors` names fields.
  class Problem < Error
    attr_reader :status, :code, :errors, :request_id, :retry_after

    def initialize(status:, code: nil, detail: nil, errors: [], request_id: nil, retry_after: nil)
      @status = status
      @code = code
      @errors = errors
      @request_id = request_id
      @retry_after = retry_after
      super([status, code, detail, fields].compact.join(" "))
    end

    private

    def fields
      return if errors.empty?

      "(#{errors.map { |error| "#{error["field"]}: #{error["detail"]}" }.join("; ")})"
    end
  end

  # 401: the key or the signature is wrong, expired or revoked. Trying again will not help.
  class Unauthorized < Problem; end

  # 403: the key is known, but may not do this.
  class Forbidden < Problem; end

  # 404: there is no such tutor, session or path.
  class NotFound < Problem; end

  # 409: an event of this id was sent before with another body, or the session is no longer to come.
  class Conflict < Problem; end

  # 400, 413, 415, 422: what was sent cannot be used. `errors` names the fields; the same body will fail again.
  class Invalid < Problem; end

  # 429: too many requests. `retry_after` says how many seconds to wait.
  class RateLimited < Problem; end

  # 408 and 5xx: their side. Nothing is lost as long as you ask again with the same id.
  class Unavailable < Problem; end

  # Turns a response into the error of its kind.
  module Problems
    BY_STATUS = {
      400 => Invalid, 401 => Unauthorized, 403 => Forbidden, 404 => NotFound, 408 => Unavailable, 409 => Conflict,
      413 => Invalid, 415 => Invalid, 422 => Invalid, 429 => RateLimited
    }.freeze

    # The error of a Net::HTTPResponse; also where a proxy in between answered with something else than a problem.
    def self.of(response)
      status = response.code.to_i
      document = parse(response.body)
      kind = BY_STATUS.fetch(status) { status >= 500 ? Unavailable : Problem }
      kind.new(
        status: status, code: document["code"], detail: document["detail"], errors: document["errors"] || [],
        request_id: document["request_id"] || response["x-request-id"], retry_after: seconds(response["retry-after"])
      )
    end

    def self.parse(body)
      Content.read(body)
    rescue UnreadableAnswer
      {}
    end

    # Retry-After is a number of seconds or a date.
    def self.seconds(header)
      return if header.nil?

      Float(header, exception: false) || [Time.httpdate(header) - Time.now, 0].max
    rescue ArgumentError
      nil
    end
    private_class_method :parse, :seconds
  end
end
