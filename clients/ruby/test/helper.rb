# frozen_string_literal: true

require "json"
require "minitest/autorun"
require "socket"
require "tutor_quality"

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_#{["x" * 32].pack("m0")}"

# A real HTTP server on the loopback address that gives prepared answers, one a connection, and keeps what it was sent.
class CannedServer
  Request = Struct.new(:verb, :path, :headers, :body)

  attr_reader :requests, :answers

  def self.open(*answers)
    server = new(answers)
    yield server
  ensure
    server&.close
  end

  def initialize(answers = [])
    @requests = []
    @answers = answers
    @socket = TCPServer.new("127.0.0.1", 0)
    @thread = Thread.new { loop { serve(@socket.accept) } }
  end

  def url
    "http://127.0.0.1:#{@socket.addr[1]}"
  end

  def close
    @thread.kill
    @socket.close
  end

  private

  # An answer is [status, headers, body], or :hang_up, or :silence; 418 where none is left.
  def serve(connection)
    @requests << read(connection)
    answer = @answers.shift || [418, {}, "{}"]
    return sleep(5) if answer == :silence
    return connection.close if answer == :hang_up

    status, headers, body = answer
    lines = { "Content-Length" => body.bytesize, "Connection" => "close" }.merge(headers).map { |pair| pair.join(": ") }
    connection.write("HTTP/1.1 #{status} X\r\n#{lines.join("\r\n")}\r\n\r\n#{body}")
    connection.close
  end

  def read(connection)
    verb, path, = connection.gets.split
    headers = {}
    while (line = connection.gets.chomp) != ""
      name, value = line.split(": ", 2)
      headers[name.downcase] = value
    end
    Request.new(verb, path, headers, connection.read(headers["content-length"].to_i))
  end
end

module Answers
  def ok(document, headers = {})
    [200, { "Content-Type" => "application/json" }.merge(headers), JSON.generate(document)]
  end

  def problem(status, code, headers = {}, **more)
    document = { status: status, code: code, detail: "what to do", request_id: "r-1", **more }
    [status, { "Content-Type" => "application/problem+json" }.merge(headers), JSON.generate(document)]
  end
end
