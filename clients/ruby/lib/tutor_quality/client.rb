# frozen_string_literal: true

require "securerandom"
require "uri"

module TutorQuality
  # Sends events and reads scores. Safe to share between threads.
  class Client
    # The most events a batch may hold, and the most bytes, with room below the million that are taken.
    BATCH = 1000
    BATCH_BYTES = 900_000

    # webhook_secrets: what events are signed with, one or two. api_key: what reading needs. cache: keeps answers with
    # their ETags and has `read` and `write`, as Rails.cache does.
    def initialize(url:, api_key: nil, webhook_secrets: [], open_timeout: 2, read_timeout: 10, retries: Retries.new,
                   cache: MemoryCache.new, clock: Time)
      @transport = Transport.new(url, api_key, open_timeout: open_timeout, read_timeout: read_timeout)
      @secrets = Array(webhook_secrets).map { |secret| secret.to_s.strip }.reject(&:empty?)
      @secrets.each { |secret| Signature.key(secret) }
      @retries = retries
      @cache = cache
      @clock = clock
    end

    # Send one event, such as "session.completed". Make the id when the event happens, not when it is sent: sent twice
    # with the same id, it counts once. Gives {"id" => …, "status" => "accepted"}.
    def send_event(type, data, id:, timestamp:)
      post_signed("/api/sessions", self.class.event(type, data, id: id, timestamp: timestamp), id)
    end

    # Send many events, made by `Client.event`, in batches. Each batch is taken whole or not at all: after an error send
    # all again, what was taken before counts once.
    def send_events(events)
      batches(events).map do |batch|
        post_signed("/api/sessions/batch", { "events" => batch }, "batch-#{SecureRandom.uuid}")
      end
    end

    # An event as it is sent. Times may be Time, DateTime, ActiveSupport's, or text in ISO 8601.
    # Raises InvalidContent for a value that the service would refuse (`Rules`).
    def self.event(type, data, id:, timestamp:)
      { "id" => id, "type" => type, "version" => API_VERSION, "timestamp" => timestamp, "data" => data }
        .then { |whole| Content.plain(whole) }
        .tap { |whole| Checks.event(whole["data"]) }
    end

    # All that is known of a tutor: scores of every kind with band, interval, reasons and trend.
    def tutor_scores(tutor_id)
      read("/api/tutors/#{segment(tutor_id)}/scores")
    end

    # What to do about a tutor, and why.
    def recommendations(tutor_id)
      read("/api/tutors/#{segment(tutor_id)}/recommendations")
    end

    # One page of tutors: {"tutors" => […], "next_cursor" => …}. Filters and order as in docs/api.md.
    def tutors(**filters)
      read("/api/tutors", filters)
    end

    # Every tutor, page by page, as an Enumerator.
    def each_tutor(**filters, &block)
      return enum_for(:each_tutor, **filters) unless block

      loop do
        page = tutors(**filters)
        page.fetch("tutors").each(&block)
        filters = filters.merge(cursor: page["next_cursor"] || break)
      end
    end

    # Sessions of the next hours that are at risk.
    def upcoming(**filters)
      read("/api/sessions/upcoming", filters)
    end

    # Changes of scores after a change's id: for those who cannot take webhooks.
    def changes(after: nil, **filters)
      read("/api/changes", { after: after, **filters })
    end

    # The probability that the tutor misses a session: `session_id:` of one known, or what is known of it.
    def predict_no_show(**question)
      post("/api/predict/no_show", question)
    end

    # The probability that a tutor leaves.
    def predict_churn(**question)
      post("/api/predict/churn", question)
    end

    # Hand in a transcript; `quality` tells what came of it. The id is yours: sent twice, it counts once.
    def send_transcript(session_id:, transcript:, id:)
      post("/api/quality/sessions", { id: id, session_id: session_id, transcript: transcript })
    end

    # What came of a transcript.
    def quality(id)
      read("/api/quality/sessions/#{segment(id)}")
    end

    # What is missing on either side, for sessions between two times: by `session_ids:` or by `counts:`.
    def reconcile(from:, to:, **what)
      post("/api/sessions/reconcile", { from: from, to: to, **what })
    end

    # Times become ISO 8601 in UTC, symbols text, all the way down. Raises InvalidContent for text that is not UTF-8.
    def self.plain(value)
      Content.plain(value)
    end

    private

    def batches(events)
      bytes = 0
      events.each_with_object([]) do |event, found|
        bytes += size = Content.json(event).bytesize + 1
        if found.empty? || found.last.size == BATCH || bytes > BATCH_BYTES
          found << []
          bytes = size
        end
        found.last << event
      end
    end

    # Signed anew with every try: the timestamp says when it was sent, and an old one is refused.
    def post_signed(path, content, id)
      raise InvalidSecret, "events need webhook_secrets" if @secrets.empty?

      body = Content.json(content)
      @retries.run do
        signed = Signature.headers(@secrets, id: id.to_s, body: body, at: @clock.now)
        Content.read(@transport.call(:post, path, body: body, headers: signed).body)
      end
    end

    # Asking twice does no harm to anything here.
    def post(path, content)
      body = Content.json(Content.plain(content))
      @retries.run { Content.read(@transport.call(:post, path, body: body).body) }
    end

    # The kept answer where nothing has changed (304).
    def read(path, filters = {})
      query = URI.encode_www_form(Content.plain(filters).compact)
      path = "#{path}?#{query}" unless query.empty?
      kept = @cache.read("tutor_quality:#{path}")
      headers = kept ? { "If-None-Match" => kept.first } : {}
      @retries.run do
        response = @transport.call(:get, path, headers: headers)
        kept && response.is_a?(Net::HTTPNotModified) ? kept.last : keep(path, response)
      end
    end

    def keep(path, response)
      found = Content.read(response.body)
      @cache.write("tutor_quality:#{path}", [response["etag"], found], expires_in: 86_400) if response["etag"]
      found
    end

    def segment(id)
      URI.encode_www_form_component(id.to_s).gsub("+", "%20")
    end
  end
end
