# frozen_string_literal: true

require "securerandom"
require "uri"

module TutorQuality
  # Sends events and reads scores. Safe to share between threads.
  class Client
    # Maximum number of events and of bytes per batch, below the service's limit of a million bytes.
    BATCH = 1000
    BATCH_BYTES = 900_000

    # webhook_secrets: one or two signing secrets of events. api_key: needed for reading. cache: stores responses with
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

    # Send one event, such as "session.completed". Create the id when the event happens, not when it is sent: sent twice
    # with the same id, it counts once. Returns {"id" => …, "status" => "accepted"}.
    def send_event(type, data, id:, timestamp:)
      post_signed("/api/sessions", self.class.event(type, data, id: id, timestamp: timestamp), id)
    end

    # Send many events, built by `Client.event`, in batches. Each batch is accepted or rejected as a whole: after an error,
    # send all again; events accepted before count once.
    def send_events(events)
      batches(events).map do |batch|
        post_signed("/api/sessions/batch", { "events" => batch }, "batch-#{SecureRandom.uuid}")
      end
    end

    # Event in the format in which it is sent. Times may be Time, DateTime, ActiveSupport's, or text in ISO 8601.
    # Raises InvalidContent for a value that the service would reject (`Rules`).
    def self.event(type, data, id:, timestamp:)
      { "id" => id, "type" => type, "version" => API_VERSION, "timestamp" => timestamp, "data" => data }
        .then { |whole| Content.plain(whole) }
        .tap { |whole| Checks.event(whole["data"]) }
    end

    # Scores of a tutor, of every kind, with band, interval, reasons and trend.
    def tutor_scores(tutor_id)
      read("/api/tutors/#{segment(tutor_id)}/scores")
    end

    # Recommended actions for a tutor, with reasons.
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

    # Score changes after a change's id, for apps that cannot receive webhooks.
    def changes(after: nil, **filters)
      read("/api/changes", { after: after, **filters })
    end

    # Probability that the tutor misses a session: `session_id:` of a stored one, or its known fields.
    def predict_no_show(**question)
      post("/api/predict/no_show", question)
    end

    # Probability that a tutor leaves.
    def predict_churn(**question)
      post("/api/predict/churn", question)
    end

    # Send a transcript; `quality` returns its result. The caller chooses the id: sent twice, it counts once.
    def send_transcript(session_id:, transcript:, id:)
      post("/api/quality/sessions", { id: id, session_id: session_id, transcript: transcript })
    end

    # Result of a transcript.
    def quality(id)
      read("/api/quality/sessions/#{segment(id)}")
    end

    # Sessions missing on either side between two times: by `session_ids:` or by `counts:`.
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

    # Signed again in every attempt: the timestamp is the time of sending, and an old one is rejected.
    def post_signed(path, content, id)
      raise InvalidSecret, "events need webhook_secrets" if @secrets.empty?

      body = Content.json(content)
      @retries.run do
        signed = Signature.headers(@secrets, id: id.to_s, body: body, at: @clock.now)
        Content.read(@transport.call(:post, path, body: body, headers: signed).body)
      end
    end

    # Repeating any of these requests is harmless.
    def post(path, content)
      body = Content.json(Content.plain(content))
      @retries.run { Content.read(@transport.call(:post, path, body: body).body) }
    end

    # The cached response if nothing has changed (304).
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
