# frozen_string_literal: true

require_relative "helper"

class RetriesTest < Minitest::Test
  include Answers

  def test_lost_connections_busy_and_broken_servers_are_asked_again
    answers = [:hang_up, problem(429, "too_many"), problem(500, "internal_error"), ok({ fine: true })]
    CannedServer.open(*answers) do |server|
      assert_equal({ "fine" => true }, client(server.url).tutor_scores("t"))
      assert_equal 4, server.requests.size
    end
  end

  def test_waits_grow_and_are_spread_by_chance
    client(nobody).tutor_scores("t")
  rescue TutorQuality::ConnectionFailed
    assert_equal 3, @waits.size
    [0.25..0.5, 0.5..1, 1..2].zip(@waits) { |range, wait| assert_includes range, wait }
    refute_equal @waits[0] * 2, @waits[1]
  else
    flunk "nobody listens there"
  end

  def test_who_is_asked_to_wait_waits
    [["7", 7..8], [(Time.now + 20).httpdate, 18..21]].each do |header, range|
      CannedServer.open(problem(429, "too_many", { "Retry-After" => header }), ok({})) do |server|
        client(server.url).tutor_scores("t")
        assert_includes range, @waits.first
      end
    end
  end

  def test_a_long_wait_is_left_to_the_job
    CannedServer.open(problem(503, "unavailable", { "Retry-After" => "600" })) do |server|
      error = assert_raises(TutorQuality::Unavailable) { client(server.url).tutor_scores("t") }
      assert_equal [600.0, []], [error.retry_after, @waits]
    end
  end

  def test_silence_ends_in_time
    CannedServer.open(:silence) do |server|
      began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      assert_raises(TutorQuality::ConnectionFailed) { client(server.url, tries: 1, read_timeout: 0.2).tutor_scores("t") }
      assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - began, :<, 2
    end
  end

  def test_the_key_is_not_in_what_an_error_says
    error = assert_raises(TutorQuality::ConnectionFailed) { client(nobody, tries: 1).tutor_scores("t") }
    refute_includes error.full_message, "very-secret"
  end

  private

  def nobody
    TCPServer.open("127.0.0.1", 0) { |socket| "http://127.0.0.1:#{socket.addr[1]}" }
  end

  def client(url, tries: 4, **options)
    @waits = []
    retries = TutorQuality::Retries.new(tries: tries, sleep: @waits.method(:<<))
    TutorQuality::Client.new(url: url, api_key: "very-secret", retries: retries, **options)
  end
end
