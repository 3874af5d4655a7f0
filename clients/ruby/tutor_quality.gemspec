# frozen_string_literal: true

require_relative "lib/tutor_quality/version"

Gem::Specification.new do |spec|
  spec.name = "tutor_quality"
  spec.version = TutorQuality::VERSION
  spec.summary = "Sends sessions to Tutor Quality Scoring, reads scores, verifies its webhooks."
  spec.authors = ["Tutor Quality Scoring"]
  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.rb"] + ["README.md"] }
  spec.required_ruby_version = ">= 3.1"
  # No dependencies: net/http, openssl and json come with Ruby.
end
