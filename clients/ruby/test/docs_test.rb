# frozen_string_literal: true

require "erb"
require "logger"
require_relative "helper"
require_relative "rails_stand_ins"

# The blocks of docs/rails.md by the path in their first line.
module Page
  TEXT = File.read(File.expand_path("../../../docs/rails.md", __dir__))
  BLOCKS = TEXT.scan(/^```(?:ruby|erb)\n(.*?)^```/m).flatten.to_h { |code| [code[/(?:app|config|db)\S+\.(?:rb|erb)/], code] }
  SERVER = CannedServer.new
  OURS = {
    "TUTOR_QUALITY_URL" => SERVER.url, "TUTOR_QUALITY_INGEST_KEY" => "k", "TUTOR_QUALITY_READ_KEY" => "r",
    "TUTOR_QUALITY_WEBHOOK_SECRETS" => SECRET,
    "TUTOR_QUALITY_INBOUND_SECRETS" => "#{OTHER_SECRET},#{SECRET}", "TUTOR_QUALITY_SYNC_TOKEN" => "sync"
  }.freeze

  def self.load
    before = ENV.to_h
    ENV.update(OURS)
    BLOCKS.each { |path, code| eval(code, TOPLEVEL_BINDING, path) unless path.end_with?(".erb", "routes.rb") }
  ensure
    ENV.replace(before)
  end
end

Page.load

class TutoringSession < ApplicationRecord
  include TutorQualitySession
end

class Tutor < ApplicationRecord
  include TutorQualityTutor
end

class DocsTest < Minitest::Test
  include Answers

  OUTAGE = [503, { "Retry-After" => "600" }, "{}"].freeze # too long to wait for: raised at once
  MODELS = [TutorQualityEvent, TutorQualityWebhook, TutoringSession, Tutor].freeze

  def setup
    [*MODELS.map(&:rows), ApplicationJob.waiting, TutorQualityMailer.sent, sent, Page::SERVER.answers].each(&:clear)
  end

  def test_every_block_is_ruby_and_names_its_file
    assert_operator Page::BLOCKS.size, :>=, 12
    refute_includes Page::BLOCKS, nil
    Page::BLOCKS.each do |path, code|
      code = ERB.new(code).src if path.end_with?(".erb")
      assert RubyVM::InstructionSequence.compile(code, path)
    end
  end

  def test_every_change_of_a_session_is_sent_with_its_whole_state
    session = book
    session.update!(starts_at: Time.utc(2026, 11, 24, 16), changed_by: "tutor", change_reason: "I am ill")
    session.update!(status: "completed", rating: 4)
    session.update!(internal_note: "not a matter of scores")
    session.update!(rating: 5)
    answer(*Array.new(4) { ok({}) })
    ApplicationJob.work
    assert_equal %w[session.booked session.rescheduled session.completed session.completed], bodies.map { |e| e["type"] }
    assert_equal "2026-11-23T16:00:00.000000Z", bodies[1]["data"]["old_starts_at"]
    assert_equal ["session-1", "tutor-17", 5], bodies[3]["data"].values_at("session_id", "tutor_id", "rating")
    assert(TutorQualityEvent.rows.all?(&:sent_at))
    assert_equal 4, bodies.uniq { |event| event["id"] }.size
  end

  def test_every_change_that_changes_a_score_is_sent
    session = book
    session.update!(tutor_id: 99)
    session.update!(student_id: 5)
    session.update!(ends_at: Time.utc(2026, 11, 23, 18))
    session.update!(status: "no_show")
    session.update!(status: "booked")
    session.update!(status: "cancelled", changed_by: "student")
    session.update!(status: "booked", starts_at: Time.utc(2026, 11, 25, 16), changed_by: "tutor")
    session.destroy!
    assert_equal %w[booked booked booked booked no_show booked cancelled rescheduled cancelled].map { |n| "session.#{n}" },
                 TutorQualityEvent.rows.map(&:event_type)
    assert_equal(%w[tutor-17 tutor-99], TutorQualityEvent.rows.map { |row| row.data["tutor_id"] }.uniq)
    assert_equal(%w[student-4 student-5], TutorQualityEvent.rows.map { |row| row.data["student_id"] }.uniq)
    assert_equal("2026-11-23T18:00:00.000000Z", TutorQualityEvent.rows[3].data["ends_at"])
  end

  def test_a_tutor_is_sent_with_an_iana_zone_and_erased_when_destroyed
    tutor = Tutor.create!(name: "Ada", time_zone: "Berlin")
    tutor.update!(departed_at: Time.utc(2026, 11, 23))
    tutor.destroy!
    first, changed, last = TutorQualityEvent.rows
    assert_equal %w[tutor.updated Europe/Berlin], [first.event_type, first.data["timezone"]]
    assert_equal "2026-11-23T00:00:00.000000Z", changed.data["departed_at"]
    assert_equal ["tutor.deleted", { "tutor_id" => "tutor-1" }], [last.event_type, last.data]
  end

  def test_an_outage_is_waited_out_with_the_same_id
    book
    answer(OUTAGE)
    ApplicationJob.work
    assert_equal 1, ApplicationJob.waiting.size
    answer(ok({}))
    ApplicationJob.work
    assert_equal 1, bodies.uniq.size
    assert_equal [2, 0], [sent.size, ApplicationJob.waiting.size]
  end

  def test_what_is_refused_is_marked_and_left_alone
    book
    answer(problem(422, "invalid_request", errors: [{ field: "data.starts_at", detail: "is wrong" }]))
    ApplicationJob.work
    assert_includes TutorQualityEvent.rows.first.refusal, "data.starts_at: is wrong"
    sweep
    assert_equal 1, sent.size
  end

  def test_the_sweep_sends_what_jobs_forgot_and_goes_round_what_spoils_a_batch
    2.times { book }
    answer(problem(422, "invalid_request"), problem(409, "event_conflict"), ok({}))
    sweep
    assert_equal %w[/api/sessions/batch /api/sessions /api/sessions], sent.map(&:path)
    assert_equal [[true, false], [false, true]], (TutorQualityEvent.rows.map { |row| [row.refusal?, row.sent_at?] })
    book
    answer(ok({}))
    sweep
    assert_equal 1, JSON.parse(sent.last.body)["events"].size
    assert_empty TutorQualityEvent.unsent.to_a
  end

  def test_missing_sessions_are_sent_again
    known, forgotten = Array.new(2) { book }
    TutorQualityEvent.rows.delete_if { |event| event.subject_id == forgotten.tutor_quality_id }
    ApplicationJob.waiting.clear
    answer(ok({ missing: [known, forgotten].map(&:tutor_quality_id), unexpected: ["session-9"] }), ok({}), ok({}))
    TutorQualityReconcileJob.perform_now(Time.utc(2026, 11, 23), Time.utc(2026, 11, 24))
    ApplicationJob.work
    asked, *again = sent
    assert_equal ["/api/sessions/reconcile", %w[session-1 session-2]], [asked.path, JSON.parse(asked.body)["session_ids"]]
    assert_equal %w[session-1 session-2], (again.map { |request| JSON.parse(request.body)["data"]["session_id"] })
  end

  def test_a_webhook_is_taken_once_and_an_alert_mailed
    2.times { assert_equal :ok, deliver(SECRET) }
    ApplicationJob.work
    assert_equal [["evt_1"], [{ "tutor_id" => "tutor-17" }]], [TutorQualityWebhook.rows.map(&:webhook_id), TutorQualityMailer.sent]
    assert_equal :unauthorized, deliver("whsec_#{["y" * 32].pack("m0")}")
    assert_equal 1, TutorQualityWebhook.rows.size
  end

  def test_the_outbox_is_read_page_by_page_with_the_token_only
    3.times { book }
    first = page(limit: "2")
    second = page(limit: "2", cursor: first[:next_cursor])
    ids = [first, second].flat_map { |found| found[:events].map { |event| event["id"] } }
    assert_equal TutorQualityEvent.rows.map(&:event_id), ids
    assert_nil second[:next_cursor]
    assert_empty page(until: "2026-01-02T00:00:00Z")[:events]
    assert_equal :unauthorized, page(token: "guess")
  end

  def test_the_panel_shows_scores_or_says_why_there_are_none
    reason = { text: "3 of 12 moved" }
    some = { kind: "no_show_14d", value: 0.124, low: 0.1, high: 0.2, band: "watch", reasons: [reason], action: "Call" }
    none = { kind: "churn_7d", value: nil, message: "Not enough data.", reasons: [] }
    answer(ok({ message: "The latest scores.", scores: [some, none] }), problem(404, "unknown_subject"), OUTAGE)
    shown = panel
    ["12 %", "10 % to 20 %", "3 of 12 moved Call", "Not enough data.", "band-watch"].each { |text| assert_includes shown, text }
    assert_includes panel, "No event about this tutor"
    assert_includes panel, "not available now"
  end

  private

  def sent = Page::SERVER.requests
  def answer(*answers) = Page::SERVER.answers.concat(answers)
  def bodies = sent.map { |request| JSON.parse(request.body) }

  def book
    TutoringSession.create!(tutor_id: 17, student_id: 4, starts_at: Time.utc(2026, 11, 23, 16), status: "booked")
  end

  def sweep
    TutorQualityEvent.rows.each { |event| event.update!(created_at: Time.now - 3600) }
    TutorQualitySweepJob.perform_now
  end

  def with_settings
    before = ENV.to_h
    ENV.update(Page::OURS)
    yield
  ensure
    ENV.replace(before)
  end

  def deliver(secret)
    body = JSON.generate(type: "alert.raised", timestamp: Time.now.utc.iso8601, data: { tutor_id: "tutor-17" })
    headers = TutorQuality::Signature.headers(secret, id: "evt_1", body: body)
    with_settings { TutorQuality::WebhooksController.call(:create, headers: headers, body: body) }
  end

  def page(token: "sync", **params)
    headers = { "Authorization" => "Bearer #{token}" }
    params = { since: "2026-01-01T00:00:00Z", **params }
    with_settings { TutorQuality::EventsController.call(:index, headers: headers, params: params) }
  end

  def panel
    context = Object.new.extend(TutorQualityHelper)
    context.define_singleton_method(:tutor) { Struct.new(:id).new(17) }
    ERB.new(Page::BLOCKS.fetch("app/views/admin/tutors/_quality.html.erb")).result(context.instance_eval { binding })
  end
end
