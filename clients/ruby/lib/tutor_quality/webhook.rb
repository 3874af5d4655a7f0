# frozen_string_literal: true

module TutorQuality
  # A webhook we were sent, verified: what it says, and the id by which a second delivery is known.
  class Webhook
    # How far the two clocks may be apart, and how old a delivery may be, in seconds.
    TOLERANCE = 300

    attr_reader :id, :type, :timestamp, :data

    # Verify the raw body of a request. `headers` is anything that gives a header by its name, as `request.headers` of
    # Rails does; `secrets` is one or, while one replaces the other, two. Raises BadSignature without saying what was
    # nearly right; InvalidSecret where no secret is given.
    def self.verify(body, headers, secrets:, now: Time.now)
      raise InvalidSecret, "give the secrets that webhooks are signed with" if Array(secrets).empty?

      id, timestamp, signature = %w[webhook-id webhook-timestamp webhook-signature].map { |name| find(headers, name) }
      raise BadSignature, "the webhook is not signed" unless id && timestamp && signature
      raise BadSignature, "the webhook is too old, or a clock is wrong" unless recent?(timestamp, now)
      unless Signature.valid?(secrets, signature, id: id, timestamp: timestamp, body: body)
        raise BadSignature, "the webhook matches none of the configured secrets"
      end

      new(id, Content.read(body))
    rescue UnreadableAnswer
      raise BadSignature, "the webhook is signed, but holds no JSON object"
    end

    def self.recent?(timestamp, now)
      timestamp.to_s.b.match?(/\A\d{1,12}\z/) && (now.to_i - timestamp.to_i).abs <= TOLERANCE
    end

    def self.find(headers, name)
      spellings = [name, name.split("-").map(&:capitalize).join("-"), "HTTP_#{name.upcase.tr("-", "_")}"]
      spellings.lazy.map { |spelling| headers[spelling] }.find { |value| value && !value.to_s.empty? }
    end
    private_class_method :new, :recent?, :find

    def initialize(id, event)
      @id = id
      @type = event["type"]
      @timestamp = event["timestamp"]
      @data = event["data"]
    end
  end
end
