# frozen_string_literal: true

require "json"
require "time"

module TutorQuality
  # Values to JSON and back. Changes none of its arguments.
  module Content
    module_function

    # Times become ISO 8601 in UTC, symbols and keys text, all the way down; text becomes UTF-8.
    # Raises InvalidContent for text that is not UTF-8, NaN and infinities.
    def plain(value)
      case value
      when Hash then value.to_h { |key, inner| [plain(key.to_s), plain(inner)] }
      when Array then value.map { |inner| plain(inner) }
      when String then utf8(value)
      when Symbol then utf8(value.to_s)
      when Integer then value
      when Numeric then finite(value.to_f) # a BigDecimal would become text
      when ->(moment) { moment.respond_to?(:hour) } then value.to_time.getutc.iso8601(6)
      else value
      end
    end

    # JSON of a plain value. Raises InvalidContent.
    def json(value)
      JSON.generate(value)
    rescue JSON::JSONError, EncodingError => error
      raise InvalidContent, "a value cannot be written as JSON: #{error.class}"
    end

    def finite(number)
      return number if number.finite?

      raise InvalidContent, "#{number} is not a number that JSON can hold"
    end

    # The object in the body of a response. Raises UnreadableAnswer.
    def read(body)
      text = body.to_s.dup.force_encoding(Encoding::UTF_8)
      document = text.valid_encoding? ? JSON.parse(text) : nil
      return document if document.is_a?(Hash)

      raise UnreadableAnswer, "the answer holds no JSON object: #{text.bytesize} bytes"
    rescue JSON::ParserError
      raise UnreadableAnswer, "the answer is not JSON, or is cut off: #{text.bytesize} bytes"
    end

    # Text in another encoding is converted; binary text is accepted if it is valid UTF-8.
    def utf8(text)
      found = text.encoding == Encoding::BINARY ? text.dup.force_encoding(Encoding::UTF_8) : text.encode(Encoding::UTF_8)
      return found if found.valid_encoding?

      raise InvalidContent, "a text is not UTF-8: #{text.bytesize} bytes"
    rescue EncodingError
      raise InvalidContent, "a text cannot be converted from #{text.encoding} to UTF-8: #{text.bytesize} bytes"
    end
  end
end
