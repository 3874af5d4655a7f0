# frozen_string_literal: true

require "json"
require "net/http"
require "openssl"
require "time"
require "uri"

module TutorQuality
  # One HTTP request: JSON there, JSON back, with time limits. A connection lasts for one request, so that threads
  # share nothing. Follows no redirect.
  class Transport
    LOST = [
      SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError,
      Net::HTTPBadResponse
    ].freeze
    REQUESTS = { get: Net::HTTP::Get, post: Net::HTTP::Post }.freeze

    def initialize(url, api_key, open_timeout:, read_timeout:)
      @url = URI(url.to_s.delete_suffix("/"))
      raise ArgumentError, "give the address as http(s)://host[:port]" unless @url.is_a?(URI::HTTP) && @url.host

      @api_key = api_key
      @timeouts = { open_timeout: open_timeout, read_timeout: read_timeout, write_timeout: read_timeout }
    end

    # The response of a request that succeeded or was answered 304. Raises a Problem, or ConnectionFailed.
    def call(method, path, body: nil, headers: {})
      response = answer(request(method, path, body, headers))
      return response if response.is_a?(Net::HTTPSuccess) || response.is_a?(Net::HTTPNotModified)

      raise Problems.of(response)
    end

    private

    def request(method, path, body, headers)
      made = REQUESTS.fetch(method).new("#{@url.path}#{path}", standard_headers.merge(headers))
      return made if body.nil?

      made["Content-Type"] = "application/json"
      made.body = body
      made
    end

    def standard_headers
      named = { "Accept" => "application/json", "TQS-Version" => API_VERSION, "User-Agent" => "tutor_quality/#{VERSION}" }
      @api_key ? named.merge("Authorization" => "Bearer #{@api_key}") : named
    end

    def answer(request)
      Net::HTTP.start(@url.host, @url.port, use_ssl: @url.scheme == "https", max_retries: 0, **@timeouts) do |http|
        http.request(request)
      end
    rescue *LOST => error
      raise ConnectionFailed, "no answer from #{@url.host}:#{@url.port}: #{error.class}"
    end
  end
end
