# frozen_string_literal: true

# The blocks of docs/rails.md in a real Rails app on a real PostgreSQL, against a running service.
# Run by `make test-slow`; by hand it needs RAILS_ROOT (an empty folder), RAILS_DATABASE_URL and the variables of the page.

require "fileutils"
require "minitest/autorun"

ENV["RAILS_ENV"] = "production" # code is loaded as in production: all of it, before the first request
ROOT = ENV.fetch("RAILS_ROOT")
TEXT = File.read(File.expand_path("../../../docs/rails.md", __dir__))

# What an app has before it reads the page.
OWN = {
  "config/database.yml" => "production:\n  url: <%= ENV.fetch('RAILS_DATABASE_URL') %>\n",
  "app/models/application_record.rb" => "class ApplicationRecord < ActiveRecord::Base\n  self.abstract_class = true\nend\n",
  "app/jobs/application_job.rb" => "class ApplicationJob < ActiveJob::Base\nend\n",
  "app/models/tutor.rb" => "class Tutor < ApplicationRecord\n  include TutorQualityTutor\nend\n",
  "app/models/tutoring_session.rb" => <<~RUBY,
    class TutoringSession < ApplicationRecord
      include TutorQualitySession
      attr_accessor :changed_by, :change_reason
    end
  RUBY
  "app/mailers/tutor_quality_mailer.rb" => <<~RUBY
    class TutorQualityMailer < ActionMailer::Base
      def alert(data)
        mail(to: "team@example.org", from: "app@example.org", subject: "Alert", body: data["tutor_id"], content_type: "text/plain")
      end
    end
  RUBY
}.freeze

blocks = TEXT.scan(/^```(?:ruby|erb)\n(.*?)^```/m).flatten.to_h { |code| [code[/(?:app|config|db)\S+\.(?:rb|erb)/], code] }
OWN.merge(blocks).each do |path, code|
  FileUtils.mkdir_p(File.dirname("#{ROOT}/#{path}"))
  File.write("#{ROOT}/#{path}", code)
end

require "rails"
%w[active_record action_controller action_view action_mailer active_job].each { |part| require "#{part}/railtie" }

class App < Rails::Application
  config.root = ROOT
  config.load_defaults 6.1
  config.eager_load = true
  config.cache_store = :memory_store
  config.active_job.queue_adapter = :async
  config.action_mailer.delivery_method = :test
  config.secret_key_base = "for one test run"
  config.logger = Logger.new("#{ROOT}/rails.log")
end

Rails.application.initialize!
ActiveJob::Base.queue_adapter = :inline
ActiveRecord::Migration.verbose = false
ActiveRecord::Schema.define do
  create_table :tutors do |t|
    t.string :name
    t.string :time_zone
    t.datetime :departed_at
    t.timestamps
  end
  create_table :tutoring_sessions do |t|
    t.bigint :tutor_id
    t.bigint :student_id
    t.string :status, default: "booked"
    t.string :subject
    t.float :rating
    t.float :late_minutes
    t.datetime :starts_at, precision: 6
    t.datetime :ends_at, precision: 6
    t.timestamps
  end
end
load Dir["#{ROOT}/db/migrate/*.rb"].first
CreateTutorQualityTables.migrate(:up)

class RealRailsTest < Minitest::Test
  def self.test_order = :sorted

  START = Time.now.utc.round + 86_400

  def test_1_a_session_of_its_whole_life_reaches_the_service
    tutor = Tutor.create!(name: "Ada", time_zone: "Eastern Time (US & Canada)")
    session = TutoringSession.create!(tutor_id: tutor.id, student_id: 4, starts_at: START, ends_at: START + 3600)
    session.update!(tutor_id: 99)
    session.update!(starts_at: START + 7200, ends_at: START + 10_800, changed_by: "tutor", change_reason: "I am ill")
    session.update!(status: "cancelled", changed_by: "student")
    session.update!(status: "booked")
    assert_equal %w[tutor.updated session.booked session.booked session.rescheduled session.cancelled session.booked],
                 TutorQualityEvent.order(:id).pluck(:event_type)
    assert_empty TutorQualityEvent.unsent
    assert_equal [nil], TutorQualityEvent.distinct.pluck(:refusal)
    assert_equal "America/New_York", TutorQualityEvent.first.data["timezone"]
  end

  def test_2_what_is_rolled_back_is_not_sent
    before = TutorQualityEvent.count
    TutoringSession.transaction do
      TutoringSession.create!(tutor_id: 1, student_id: 4, starts_at: START)
      raise ActiveRecord::Rollback
    end
    assert_equal before, TutorQualityEvent.count
  end

  def test_3_reconciling_sends_what_no_callback_saw
    TutoringSession.insert_all!([{ tutor_id: 1, student_id: 4, starts_at: START, created_at: Time.now, updated_at: Time.now }])
    missed = TutoringSession.order(:id).last
    TutorQualityReconcileJob.perform_now(START - 1, START + 86_400)
    assert_equal ["session.booked"], TutorQualityEvent.where(subject_id: missed.tutor_quality_id).pluck(:event_type)
    assert_empty TutorQualityEvent.unsent
  end

  def test_4_the_sweep_sends_what_jobs_lost
    TutorQualityEvent.update_all(sent_at: nil, created_at: 1.hour.ago)
    TutorQualitySweepJob.perform_now
    assert_empty TutorQualityEvent.unsent
  end

  def test_5_the_outbox_is_read_page_by_page_with_the_token
    path = "/tutor_quality/events?since=2026-01-01T00:00:00Z&limit=2"
    assert_equal 401, get(path)[0]
    status, body = get(path, "HTTP_AUTHORIZATION" => "Bearer #{ENV.fetch("TUTOR_QUALITY_SYNC_TOKEN")}")
    page = JSON.parse(body)
    assert_equal [200, 2], [status, page["events"].size]
    _, body = get("#{path}&cursor=#{page["next_cursor"]}", "HTTP_AUTHORIZATION" => "Bearer #{ENV.fetch("TUTOR_QUALITY_SYNC_TOKEN")}")
    refute_equal page["events"], JSON.parse(body)["events"]
  end

  def test_6_a_webhook_is_taken_once_and_mails_an_alert
    body = JSON.generate(type: "alert.raised", timestamp: Time.now.utc.iso8601, data: { tutor_id: "tutor-17" })
    secret = ENV.fetch("TUTOR_QUALITY_INBOUND_SECRETS").split(",").last
    headers = TutorQuality::Signature.headers(secret, id: "evt_1", body: body)
    2.times { assert_equal 200, post("/tutor_quality/webhooks", body, headers) }
    assert_equal 401, post("/tutor_quality/webhooks", "#{body} ", headers)
    assert_equal 1, TutorQualityWebhook.count
    assert_equal ["tutor-17"], (ActionMailer::Base.deliveries.map { |mail| mail.body.to_s })
  end

  def test_7_the_panel_shows_scores_or_says_why_there_are_none
    view = ActionController::Base.new.tap { |c| c.request = ActionDispatch::TestRequest.create }.view_context
    view.extend(TutorQualityHelper)
    assert_includes view.render("admin/tutors/quality", tutor: Struct.new(:id).new(0)), "No event about this tutor"
  end

  private

  def get(path, env = {})
    status, _, body = Rails.application.call(Rack::MockRequest.env_for(path, env))
    [status, body.each.to_a.join]
  end

  def post(path, body, headers)
    named = headers.transform_keys { |name| "HTTP_#{name.upcase.tr("-", "_")}" }
    options = { method: "POST", input: body, "CONTENT_TYPE" => "application/json" }
    Rails.application.call(Rack::MockRequest.env_for(path, options.merge(named)))[0]
  end
end
