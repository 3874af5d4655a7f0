# frozen_string_literal: true

# Generated from domain/schema.py and domain/rules.py by `make docs`. Do not edit.
module TutorQuality
  # Rules for the values in an event's data, by the name of the field. The service rejects other values.
  module Rules
    # Lowest and highest number.
    RANGES = {
      "late_minutes" => [0, 100000],
      "duration_minutes" => [0, 100000],
      "rating" => [1, 5],
    }.freeze

    # Forbidden characters, greatest length, rejected values, error text.
    TEXTS = {
      "tutor_id" => [
        /[\/\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 200, [".", ".."].freeze,
        "must not contain slashes, control characters, line breaks or text direction overrides: it is part of addresses"
      ].freeze,
      "name" => [
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 500, [].freeze,
        "must not contain control characters, line breaks or text direction overrides"
      ].freeze,
      "email" => [
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 500, [].freeze,
        "must not contain control characters, line breaks or text direction overrides"
      ].freeze,
      "student_id" => [
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 200, [".", ".."].freeze,
        "must not contain control characters, line breaks or text direction overrides"
      ].freeze,
      "session_id" => [
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 200, [".", ".."].freeze,
        "must not contain control characters, line breaks or text direction overrides"
      ].freeze,
      "reschedule_id" => [
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 200, [".", ".."].freeze,
        "must not contain control characters, line breaks or text direction overrides"
      ].freeze,
      "reason_text" => [
        /[\u0000]/, 10000, [].freeze,
        "must not contain a NUL character"
      ].freeze,
      "message_id" => [
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/, 200, [".", ".."].freeze,
        "must not contain control characters, line breaks or text direction overrides"
      ].freeze,
      "text" => [
        /[\u0000]/, nil, [].freeze,
        "must not contain a NUL character"
      ].freeze,
    }.freeze

    # Pairs of moments: the second is not before the first.
    ORDERS = [
      %w[started_at departed_at],
      %w[starts_at ends_at],
    ].freeze

    # Years of valid moments.
    YEARS = (2000..2100)
  end
end
