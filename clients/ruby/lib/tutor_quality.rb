# frozen_string_literal: true

require "tutor_quality/version"
require "tutor_quality/errors"
require "tutor_quality/content"
require "tutor_quality/rules"
require "tutor_quality/checks"
require "tutor_quality/signature"
require "tutor_quality/webhook"
require "tutor_quality/memory_cache"
require "tutor_quality/retries"
require "tutor_quality/transport"
require "tutor_quality/client"

# Sends what happens in sessions to Tutor Quality Scoring, reads scores, and verifies its webhooks.
module TutorQuality
end
