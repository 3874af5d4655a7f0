# frozen_string_literal: true

require "net/http"
require "openssl"
require "time"
require "uri"
require "zlib"

module TutorQuality
  # One HTTP request: JSON there, JSON back, with time limits. A connection lasts for one request, so that threads
  # share nothing. Follows no redirect.
  class Transport
    LOST = [
      SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError,
      Net::HTTPBadResponse, Net::HTTPHeaderSyntaxError, Zlib::Error
    ].freeze
    REQUESTS = { get: Net::HTTP::Get, post: Net::HTTP::Post }.freeze

    def initialize(url, api_key, open_timeout:, read_timeout:)
      @url = address(url)
      @api_key = key(api_key)
      @timeouts = { open_timeout: open_timeout, read_timeout: read_timeout, write_timeout: read_timeout }
    end

    # The response of a request that succeeded or was answered 304. Raises a Problem, or ConnectionFailed.
    def call(method, path, body: nil, headers: {})
      response = answer(request(method, path, body, headers))
      return response if response.is_a?(Net::HTTPSuccess) || response.is_a?(Net::HTTPNotModified)

      raise Problems.of(response)
    end

    private

    def address(url)
      found = URI(url.to_s.strip.delete_suffix("/"))
      return found if found.is_a?(URI::HTTP) && found.host

      raise InvalidSetting, "give the address as http(s)://host[:port]"
    rescue URI::Error
      raise InvalidSetting, "give the address as http(s)://host[:port]"
    end

    # A key read from a file often ends in a line break.
    def key(api_key)
      found = api_key.to_s.strip
      raise InvalidSetting, "an API key is one line of ASCII without blanks" unless found.b.match?(/\A[!-~]*\z/)

      found unless found.empty?
    end

    def request(method, path, body, headers)
      made = REQUESTS.fetch(method).new("#{@url.path}#{path}", standard_headers.merge(headers))
      return made if body.nil?

      made["Content-Type"] = "application/json"
      made.body = body
      made
    rescue ArgumentError
      raise InvalidContent, "an id cannot be a header: it holds a line break"
    end

    def standard_headers
      named = { "Accept" => "application/json", "TQS-Version" => API_VERSION, "User-Agent" => "tutor_quality/#{VERSION}" }
      @api_key ? named.merge("Authorization" => "Bearer #{@api_key}") : named
    end

    def answer(request)
      Net::HTTP.start(@url.hostname, @url.port, use_ssl: @url.scheme == "https", max_retries: 0, **@timeouts) do |http|
        http.request(request)
      end
    rescue *LOST => error
      raise ConnectionFailed, "no answer from #{@url.host}:#{@url.port}: #{error.class}"
    end
  end
end
