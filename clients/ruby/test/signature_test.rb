# frozen_string_literal: true

require_relative "helper"

class SignatureTest < Minitest::Test
  def test_the_specifications_own_example_is_signed_the_same
    signature = TutorQuality::Signature.sign(
      SECRET, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: '{"test": 2432232314}'
    )
    assert_equal "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature
  end

  def test_two_secrets_sign_twice_so_that_either_side_may_change_first
    signed = TutorQuality::Signature.headers([SECRET, OTHER_SECRET], id: "e", body: "{}", at: Time.at(7))
    assert_equal 2, signed["webhook-signature"].split.size
    [SECRET, OTHER_SECRET].each do |secret|
      assert TutorQuality::Signature.valid?(secret, signed["webhook-signature"], id: "e", timestamp: "7", body: "{}")
    end
  end

  def test_a_short_or_broken_secret_is_refused_without_being_repeated
    ["whsec_c2hvcnQ=", "whsec_not base64!", ""].each do |secret|
      error = assert_raises(TutorQuality::InvalidSecret) { TutorQuality::Signature.key(secret) }
      refute_includes error.message, "c2hvcnQ="
    end
  end

  # Bodies signed by the other side's library, where the suite gives them.
  def test_the_other_library_signs_the_same
    skip "no vectors were given" unless ENV["TUTOR_QUALITY_VECTORS"]

    vectors = JSON.parse(File.read(ENV["TUTOR_QUALITY_VECTORS"]))
    assert_operator vectors.size, :>=, 5
    vectors.each do |vector|
      secret, id, timestamp, body = vector.values_at("secret", "id", "timestamp", "body")
      signature = TutorQuality::Signature.sign(secret, id: id, timestamp: timestamp, body: body)
      assert_equal vector["signature"], signature
    end
  end
end
