# frozen_string_literal: true

require "securerandom"
require_relative "helper"

# Against a running service, where the suite gives one: two tutors, ada with a session tomorrow (`next`), and ben.
class LiveTest < Minitest::Test
  URL = ENV.fetch("TUTOR_QUALITY_URL", nil)
  KEY = ENV.fetch("TUTOR_QUALITY_API_KEY", nil)
  SECRETS = ENV.fetch("TUTOR_QUALITY_WEBHOOK_SECRETS", "").split(",")
  NOW = ENV.key?("TUTOR_QUALITY_NOW") ? Time.iso8601(ENV["TUTOR_QUALITY_NOW"]) : Time.now

  # The service of the tests has a day of its own; signatures must be of it.
  CLOCK = Class.new { def now = NOW }.new

  # Counts what is kept, to tell a new answer from a 304.
  class CountingCache < TutorQuality::MemoryCache
    attr_reader :writes

    def write(...)
      @writes = @writes.to_i + 1
      super
    end
  end

  def setup
    skip "no service was given: set TUTOR_QUALITY_URL" unless URL
    @client = client
  end

  def test_an_event_sent_twice_counts_once_and_another_of_its_id_is_a_conflict
    event = { id: fresh, timestamp: NOW - 60 }
    session = state
    2.times { assert_equal "accepted", @client.send_event("session.booked", session, **event)["status"] }
    error = assert_raises(TutorQuality::Conflict) do
      @client.send_event("session.booked", session.merge(tutor_id: "ben"), **event)
    end
    assert_equal "event_conflict", error.code
  end

  def test_a_booked_session_is_known_at_once_and_one_never_told_is_missing
    session = state
    @client.send_event("session.booked", session, id: fresh, timestamp: NOW - 60)
    window = { from: session[:starts_at] - 60, to: session[:starts_at] + 60 }
    found = @client.reconcile(**window, session_ids: [session[:session_id], "never-told"])
    assert_equal ["never-told"], found["missing"]
    refute_includes found["unexpected"], session[:session_id]
  end

  def test_a_batch_is_taken_whole_or_not_at_all
    events = Array.new(3) { TutorQuality::Client.event("session.booked", state, id: fresh, timestamp: NOW - 60) }
    assert_equal 1, @client.send_events(events).size
    refused = TutorQuality::Client.event("session.completed", state, id: fresh, timestamp: NOW + 90_000)
    spoilt = events + [refused.merge("data" => refused["data"].merge("rating" => 9))]
    error = assert_raises(TutorQuality::Invalid) { @client.send_events(spoilt) }
    assert_equal ["events.3.data.rating"], (error.errors.map { |field| field["field"] })
  end

  def test_either_of_two_secrets_signs_and_no_other
    changing = client(webhook_secrets: [OTHER_SECRET, *SECRETS])
    assert changing.send_event("tutor.updated", { tutor_id: "ben", name: "Ben" }, id: fresh, timestamp: NOW - 60)
    assert_raises(TutorQuality::Unauthorized) do
      client(webhook_secrets: OTHER_SECRET).send_event("tutor.deleted", { tutor_id: "ben" }, id: fresh, timestamp: NOW)
    end
  end

  def test_scores_are_read_once_and_kept_while_nothing_changes
    cache = CountingCache.new
    reader = client(cache: cache)
    first, second = Array.new(2) { reader.tutor_scores("ada") }
    assert_equal first, second
    assert_equal 1, cache.writes
    assert_includes first["scores"].map { |score| score["kind"] }, "no_show_14d"
  end

  def test_tutors_come_page_by_page
    found = @client.each_tutor(limit: 1, sort: "name").map { |tutor| tutor["tutor_id"] }
    assert_equal found.uniq, found
    assert_empty %w[ada ben] - found
  end

  def test_lists_and_predictions_are_read
    assert_kind_of Array, @client.upcoming(hours: 48)["sessions"]
    assert_kind_of Array, @client.recommendations("ada")["recommendations"]
    assert_includes 0..1, @client.predict_no_show(session_id: "next")["score"]["value"]
    described = { tutor_id: "ada", starts_at: NOW + 7200, attributes: { price: 30.0 } }
    assert_includes 0..1, @client.predict_no_show(**described)["score"]["value"]
  end

  def test_without_a_model_a_prediction_says_so
    assert_equal "no_model", assert_raises(TutorQuality::Unavailable) { @client.predict_churn(tutor_id: "ada") }.code
  end

  def test_a_transcript_handed_in_twice_is_one_and_can_be_asked_for
    id = fresh
    2.times { @client.send_transcript(session_id: "past-1", transcript: "tutor: Hello.", id: id) }
    found = @client.quality(id)
    assert_equal [id, "past-1", "accepted"], found.values_at("id", "session_id", "status")
  end

  def test_changes_can_be_asked_for_from_the_beginning
    assert_kind_of Array, @client.changes(after: 0)["changes"]
  end

  def test_what_is_unknown_or_not_allowed_says_so
    assert_equal "unknown_subject", assert_raises(TutorQuality::NotFound) { @client.tutor_scores("nobody here") }.code
    assert_raises(TutorQuality::Unauthorized) { client(api_key: "wrong").tutor_scores("ada") }
    assert_raises(TutorQuality::Invalid) { @client.tutors(limit: 100_000) }
  end

  private

  def client(**options)
    retries = TutorQuality::Retries.new(tries: 1)
    TutorQuality::Client.new(url: URL, api_key: KEY, webhook_secrets: SECRETS, retries: retries, clock: CLOCK, **options)
  end

  def fresh = "live-#{SecureRandom.uuid}"

  def state(**more)
    starts_at = NOW + 86_400 + Random.rand(1..500_000)
    { session_id: fresh, tutor_id: "ada", student_id: "s1", booked_at: NOW - 120, starts_at: starts_at, **more }
  end
end
