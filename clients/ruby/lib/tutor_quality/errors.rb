# frozen_string_literal: true

module TutorQuality
  # Base class of all errors raised by this client.
  class Error < StandardError; end

  # No connection, or no response in time. The request may have been processed: retry with the same id.
  class ConnectionFailed < Error; end

  # A success without valid JSON: truncated, or a page of a proxy. Retry with the same id.
  class UnreadableAnswer < ConnectionFailed; end

  # A webhook signed with none of the configured secrets, or too old. Answer 401 and take no action.
  class BadSignature < Error; end

  # An invalid address or API key.
  class InvalidSetting < Error; end

  # A secret that is too short, is not base64, or is missing.
  class InvalidSecret < InvalidSetting; end

  # A value that the service would reject, or that JSON or a header cannot hold: a rating of 9, NaN, text that is not
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

  # 401: the key or the signature is wrong, expired or revoked. A retry will not help.
  class Unauthorized < Problem; end

  # 403: the key is valid but lacks the permission.
  class Forbidden < Problem; end

  # 404: there is no such tutor, session or path.
  class NotFound < Problem; end

  # 409: an event with this id was sent before with a different body, or the session is no longer upcoming.
  class Conflict < Problem; end

  # 400, 413, 415, 422: the request is invalid. `errors` names the fields; the same body will fail again.
  class Invalid < Problem; end

  # 429: too many requests. `retry_after` is the number of seconds to wait.
  class RateLimited < Problem; end

  # 408 and 5xx: an error of the service. Nothing is lost if the request is retried with the same id.
  class Unavailable < Problem; end

  # Maps a response to an error.
  module Problems
    BY_STATUS = {
      400 => Invalid, 401 => Unauthorized, 403 => Forbidden, 404 => NotFound, 408 => Unavailable, 409 => Conflict,
      413 => Invalid, 415 => Invalid, 422 => Invalid, 429 => RateLimited
    }.freeze

    # Error for a Net::HTTPResponse, also if a proxy responded with something other than a problem document.
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
