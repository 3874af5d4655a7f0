# frozen_string_literal: true

require "bigdecimal"
require_relative "helper"

class ClientTest < Minitest::Test
  include Answers

  EVENT = { id: "e-1", timestamp: Time.at(0) }.freeze

  def test_an_event_is_signed_whole_and_keeps_its_id
    CannedServer.open(ok({ id: "e-1", status: "accepted" })) do |server|
      answer = client(server).send_event("session.completed", { rating: BigDecimal("4.5"), starts_at: Time.at(0) }, **EVENT)
      assert_equal "accepted", answer["status"]
      sent = server.requests.first
      assert_equal %w[POST /api/sessions e-1], [sent.verb, sent.path, sent.headers["webhook-id"]]
      event = TutorQuality::Webhook.verify(sent.body, sent.headers, secrets: SECRET)
      assert_equal({ "rating" => 4.5, "starts_at" => "1970-01-01T00:00:00.000000Z" }, event.data)
    end
  end

  def test_a_try_again_has_the_same_id_and_body_and_a_new_signature
    times = [Time.at(1_000), Time.at(2_000)]
    clock = Struct.new(:times) { def now = times.shift }.new(times)
    CannedServer.open(problem(503, "unavailable"), ok({ id: "e-1" })) do |server|
      client(server, clock: clock).send_event("tutor.deleted", { tutor_id: "t" }, **EVENT)
      first, second = server.requests
      assert_equal [first.headers["webhook-id"], first.body], [second.headers["webhook-id"], second.body]
      assert_equal %w[1000 2000], server.requests.map { |request| request.headers["webhook-timestamp"] }
      refute_equal first.headers["webhook-signature"], second.headers["webhook-signature"]
    end
  end

  def test_batches_hold_a_thousand_events_and_less_than_a_million_bytes
    small = Array.new(1001) { |n| TutorQuality::Client.event("tutor.deleted", { tutor_id: "t" }, id: n.to_s, timestamp: "") }
    large = Array.new(3) { |n| TutorQuality::Client.event("transcript.ready", { text: "x" * 400_000 }, id: n.to_s, timestamp: "") }
    CannedServer.open(*Array.new(4) { ok({}) }) do |server|
      sender = client(server)
      [small, large].each { |events| sender.send_events(events) }
      sizes = server.requests.map { |request| JSON.parse(request.body)["events"].size }
      assert_equal [1000, 1, 2, 1], sizes
      assert(server.requests.all? { |request| request.body.bytesize < 1_000_000 })
    end
  end

  def test_what_has_not_changed_is_not_sent_again
    scores = { "tutor_id" => "a b" }
    CannedServer.open(ok(scores, { "ETag" => %q("v1") }), [304, {}, ""]) do |server|
      reader = client(server)
      assert_equal [scores, scores], Array.new(2) { reader.tutor_scores("a b") }
      assert_equal ["/api/tutors/a%20b/scores"] * 2, server.requests.map(&:path)
      assert_equal [nil, '"v1"'], (server.requests.map { |request| request.headers["if-none-match"] })
    end
  end

  def test_pages_are_followed_to_the_end
    pages = [ok({ tutors: [1, 2], next_cursor: "c d" }), ok({ tutors: [3], next_cursor: nil })]
    CannedServer.open(*pages) do |server|
      assert_equal [1, 2, 3], client(server).each_tutor(band: :act).to_a
      assert_equal ["/api/tutors?band=act", "/api/tutors?band=act&cursor=c+d"], server.requests.map(&:path)
    end
  end

  def test_problems_have_their_own_kinds
    kinds = {
      401 => TutorQuality::Unauthorized, 403 => TutorQuality::Forbidden, 404 => TutorQuality::NotFound,
      409 => TutorQuality::Conflict, 413 => TutorQuality::Invalid, 418 => TutorQuality::Problem
    }
    kinds.each do |status, kind|
      CannedServer.open(problem(status, "the_code")) do |server|
        error = assert_raises(TutorQuality::Error) { client(server).tutor_scores("t") }
        assert_instance_of kind, error
        assert_equal [status, "the_code", "r-1"], [error.status, error.code, error.request_id]
        assert_equal 1, server.requests.size
      end
    end
  end

  def test_a_field_that_cannot_be_used_is_named
    fields = [{ field: "data.rating", detail: "must be at most 5" }]
    CannedServer.open(problem(422, "invalid_request", errors: fields)) do |server|
      error = assert_raises(TutorQuality::Invalid) { client(server).send_event("session.completed", {}, **EVENT) }
      assert_equal "data.rating", error.errors.first["field"]
      assert_includes error.message, "data.rating: must be at most 5"
    end
  end

  def test_a_page_of_html_from_a_proxy_is_an_error_like_any_other
    CannedServer.open([502, { "Content-Type" => "text/html" }, "<h1>Bad gateway"]) do |server|
      error = assert_raises(TutorQuality::Unavailable) { client(server, tries: 1).tutor_scores("t") }
      assert_equal [502, nil], [error.status, error.code]
    end
  end

  def test_a_redirect_is_not_followed
    CannedServer.open([302, { "Location" => "http://127.0.0.1:9/" }, ""]) do |server|
      assert_raises(TutorQuality::Problem) { client(server).tutor_scores("t") }
    end
  end

  def test_a_success_without_its_json_is_tried_again_and_then_unreadable
    html = [200, { "Content-Type" => "text/html" }, "<h1>Log in to the wifi"]
    cut_off = [202, { "Content-Length" => 200 }, '{"id": "e-1"']
    [html, cut_off, [202, {}, ""], [200, {}, '"\xff"'], [200, { "Content-Encoding" => "gzip" }, "abcd"]].each do |answer|
      CannedServer.open(answer, answer) do |server|
        error = assert_raises(TutorQuality::ConnectionFailed) do
          client(server, tries: 2).send_event("tutor.deleted", { tutor_id: "t" }, **EVENT)
        end
        assert_equal 2, server.requests.size, error.message
        assert_equal 1, server.requests.map(&:body).uniq.size
      end
    end
  end

  def test_a_request_that_timed_out_there_is_tried_again
    CannedServer.open([408, {}, ""], ok({ fine: true })) do |server|
      assert_equal({ "fine" => true }, client(server).tutor_scores("t"))
    end
  end

  def test_arguments_are_not_changed_and_may_be_frozen
    local = Time.new(2026, 11, 20, 10, 30, 0, "+01:00")
    data = { starts_at: local, "tags" => ["a"].freeze }.freeze
    CannedServer.open(ok({})) do |server|
      client(server).send_event("session.booked", data, id: "e-1", timestamp: local.dup.freeze)
      assert_equal "2026-11-20T09:30:00.000000Z", JSON.parse(server.requests.first.body)["data"]["starts_at"]
    end
    assert_equal [3600, 10], [local.utc_offset, local.hour]
  end

  def test_what_json_or_a_header_cannot_hold_is_refused_before_it_is_sent
    sender = TutorQuality::Client.new(url: "http://127.0.0.1:9", webhook_secrets: SECRET)
    [{ rating: Float::NAN }, { name: "\xff" }, { rating: BigDecimal("Infinity") }].each do |data|
      assert_raises(TutorQuality::InvalidContent) { sender.send_event("tutor.updated", data, **EVENT) }
    end
    assert_raises(TutorQuality::InvalidContent) { sender.send_event("tutor.updated", {}, **EVENT, id: "a\nb") }
  end

  def test_values_that_the_service_would_refuse_are_refused_before_they_are_sent
    sender = TutorQuality::Client.new(url: "http://127.0.0.1:9", webhook_secrets: SECRET)
    {
      { rating: 9 } => "data.rating must be from 1 to 5", { rating: "5" } => "data.rating must be a number",
      { rating: true } => "data.rating must be a number", { late_minutes: -1 } => "data.late_minutes must be from",
      { tutor_id: ".." } => "data.tutor_id must not be ..", { tutor_id: "a/b" } => "data.tutor_id must not contain slashes",
      { tutor_id: 17 } => "data.tutor_id must be a text", { name: "A\u0085da" } => "data.name must not contain control",
      { session_id: "x" * 201 } => "data.session_id must have at most 200 characters",
      { starts_at: Time.at(7200), ends_at: Time.at(3600) } => "data.ends_at is before starts_at"
    }.each do |data, message|
      error = assert_raises(TutorQuality::InvalidContent) { sender.send_event("session.completed", data, **EVENT) }
      assert_includes error.message, message
    end
    usable = { rating: 4.5, tutor_id: "tutor-17", name: "Žofie", ends_at: nil, reason_text: "one\ntwo" }
    assert_equal "Žofie", TutorQuality::Client.event("session.completed", usable, **EVENT)["data"]["name"]
  end

  def test_text_of_other_encodings_is_sent_as_utf8
    found = TutorQuality::Client.plain(["Zo\xeb".dup.force_encoding("ISO-8859-1"), "Zoë".b])
    assert_equal %w[Zoë Zoë], found
  end

  def test_white_space_around_settings_is_left_out
    CannedServer.open(ok({})) do |server|
      secrets = "#{SECRET}\n, #{OTHER_SECRET} ".split(",")
      TutorQuality::Client.new(url: "#{server.url}/\n", api_key: " k\n", webhook_secrets: secrets)
                          .send_event("tutor.deleted", { tutor_id: "t" }, **EVENT)
      assert_equal "Bearer k", server.requests.first.headers["authorization"]
    end
  end

  def test_settings_that_cannot_work_are_refused_at_once
    ["example.org", "ftp://example.org", "http://", "http://a b", ""].each do |url|
      assert_raises(TutorQuality::InvalidSetting) { TutorQuality::Client.new(url: url) }
    end
    ["two words", "k\nx", "schlüssel"].each do |key|
      assert_raises(TutorQuality::InvalidSetting) { TutorQuality::Client.new(url: "http://127.0.0.1:9", api_key: key) }
    end
  end

  def test_an_ipv6_address_is_reached
    server = TCPServer.new("::1", 0)
    Thread.new { server.accept.tap { |c| c.write("HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}") }.close }
    assert_equal({}, TutorQuality::Client.new(url: "http://[::1]:#{server.addr[1]}").tutor_scores("t"))
  rescue Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT
    skip "this machine has no IPv6"
  ensure
    server&.close
  end

  def test_nothing_is_sent_without_a_secret
    error = assert_raises(TutorQuality::InvalidSecret) do
      TutorQuality::Client.new(url: "http://127.0.0.1:9").send_event("tutor.deleted", {}, **EVENT)
    end
    assert_includes error.message, "webhook_secrets"
  end

  private

  def client(server, tries: 4, **options)
    retries = TutorQuality::Retries.new(tries: tries, sleep: ->(_) {})
    TutorQuality::Client.new(url: server.url, api_key: "k", webhook_secrets: SECRET, retries: retries, **options)
  end
end
