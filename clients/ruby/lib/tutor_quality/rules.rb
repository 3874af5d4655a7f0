# frozen_string_literal: true

# Generated from domain/schema.py and domain/rules.py by `make docs`. Do not edit.
module TutorQuality
  # Values that the service refuses in the data of an event, by the name of the field.
  module Rules
    # Lowest and highest number.
    RANGES = {
      "late_minutes" => [0, 100000],
      "duration_minutes" => [0, 100000],
      "rating" => [1, 5],
    }.freeze

    # Forbidden characters, longest length, values that are refused, and what to say.
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

    # Years in which moments lie.
    YEARS = (2000..2100)
  end
end
