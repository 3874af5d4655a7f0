# frozen_string_literal: true

module TutorQuality
  VERSION = "0.1.0"

  # The version of events and of the API this client was written against.
  API_VERSION = "2026-11-01"
end
