# frozen_string_literal: true

require "openssl"

module TutorQuality
  # Signatures of Standard Webhooks, version 1: HMAC-SHA256 over "id.timestamp.body", in base64.
  module Signature
    PREFIX = "whsec_"
    SECRET_BYTES = 24

    module_function

    # The three headers of a signed body. With two secrets, during a rotation, it is signed with both.
    def headers(secrets, id:, body:, at: Time.now)
      timestamp = at.to_i.to_s
      signatures = Array(secrets).map { |secret| sign(secret, id: id, timestamp: timestamp, body: body) }
      { "webhook-id" => id, "webhook-timestamp" => timestamp, "webhook-signature" => signatures.join(" ") }
    end

    # One signature: "v1,…". Raises InvalidSecret.
    def sign(secret, id:, timestamp:, body:)
      signed = [id, timestamp, body].map { |part| part.to_s.b }.join(".")
      "v1,#{[OpenSSL::HMAC.digest("SHA256", key(secret), signed)].pack("m0")}"
    end

    # Whether any of the space-separated signatures was made with any of the secrets; compared in constant time.
    def valid?(secrets, signatures, id:, timestamp:, body:)
      expected = Array(secrets).map { |secret| sign(secret, id: id, timestamp: timestamp, body: body) }
      sent = signatures.to_s.b.split
      expected.product(sent).map { |one, other| OpenSSL.secure_compare(one, other) }.any?
    end

    # The bytes of "whsec_…". Raises InvalidSecret.
    def key(secret)
      bytes = secret.to_s.strip.delete_prefix(PREFIX).unpack1("m0")
      raise InvalidSecret, "a secret holds at least #{SECRET_BYTES} random bytes" if bytes.bytesize < SECRET_BYTES

      bytes
    rescue ArgumentError
      raise InvalidSecret, "a secret is whsec_ and base64"
    end
  end
end
