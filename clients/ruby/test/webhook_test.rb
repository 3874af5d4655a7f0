# frozen_string_literal: true

require_relative "helper"

class WebhookTest < Minitest::Test
  NOW = Time.at(1_800_000_000)
  BODY = JSON.generate(type: "score.changed", timestamp: "2026-11-23T17:00:05Z", data: { tutor_id: "tutor-17" })

  def test_a_signed_webhook_says_what_it_says
    webhook = verify(signed)
    assert_equal ["evt_1", "score.changed", "2026-11-23T17:00:05Z"], [webhook.id, webhook.type, webhook.timestamp]
    assert_equal({ "tutor_id" => "tutor-17" }, webhook.data)
  end

  def test_the_old_secret_counts_while_the_new_one_is_brought_in
    assert verify(signed(secrets: OTHER_SECRET), secrets: [SECRET, OTHER_SECRET])
    assert verify(signed(secrets: [SECRET, OTHER_SECRET]), secrets: OTHER_SECRET)
  end

  def test_headers_are_found_however_a_framework_spells_them
    assert verify(signed.transform_keys { |name| name.split("-").map(&:capitalize).join("-") })
    assert verify(signed.transform_keys { |name| "HTTP_#{name.upcase.tr("-", "_")}" })
  end

  def test_another_body_secret_id_or_time_is_refused
    headers = signed
    changed = headers.merge("webhook-id" => "evt_2"), headers.merge("webhook-timestamp" => (NOW.to_i + 1).to_s)
    changed.each { |other| refused { verify(other) } }
    refused { verify(headers, body: "#{BODY} ") }
    refused { verify(headers, secrets: OTHER_SECRET) }
  end

  def test_more_than_five_minutes_off_is_refused_either_way
    [-301, 301].each { |seconds| refused { verify(signed(at: NOW + seconds)) } }
    [-300, 300].each { |seconds| assert verify(signed(at: NOW + seconds)) }
  end

  def test_missing_and_malformed_headers_are_refused
    headers = signed
    headers.each_key { |name| refused { verify(headers.reject { |other, _| other == name }) } }
    { "webhook-timestamp" => "1e9", "webhook-signature" => "v1", "webhook-id" => "" }.each do |name, value|
      refused { verify(headers.merge(name => value)) }
    end
    refused { verify(headers.merge("webhook-signature" => headers["webhook-signature"].sub("v1,", "v2,"))) }
  end

  def test_bytes_that_are_no_text_in_headers_and_a_missing_body_are_refused
    %w[webhook-timestamp webhook-signature webhook-id].each { |name| refused { verify(signed.merge(name => "\xff1")) } }
    refused { verify(signed, body: nil) }
  end

  def test_without_a_secret_nothing_can_be_verified_and_that_is_said
    assert_raises(TutorQuality::InvalidSecret) { verify(signed, secrets: []) }
  end

  def test_a_secret_read_from_a_file_may_end_in_a_line_break
    assert verify(signed, secrets: "#{SECRET}\n")
  end

  def test_signed_text_that_is_no_json_object_is_refused
    ["hello", "[1]", "\xff"].each do |body|
      headers = TutorQuality::Signature.headers(SECRET, id: "evt_1", body: body, at: NOW)
      refused { verify(headers, body: body) }
    end
  end

  private

  def signed(secrets: SECRET, at: NOW)
    TutorQuality::Signature.headers(secrets, id: "evt_1", body: BODY, at: at)
  end

  def verify(headers, body: BODY, secrets: SECRET)
    TutorQuality::Webhook.verify(body, headers, secrets: secrets, now: NOW)
  end

  def refused(&block)
    assert_raises(TutorQuality::BadSignature, &block)
  end
end
