# frozen_string_literal: true

require "time"

module TutorQuality
  # Rejects event data that the service would reject, before anything is sent. Rules not checked here,
  # such as time zones and types of attributes, are checked by the service, which answers 422.
  module Checks
    module_function

    # Raises InvalidContent naming the field. `data` is plain: keys are text, moments ISO 8601.
    def event(data)
      data.each { |field, value| check(field, value) unless value.nil? }
      Rules::ORDERS.each { |earlier, later| check_order(data, earlier, later) }
    end

    def check(field, value)
      problem = if Rules::RANGES.key?(field) then number_problem(value, *Rules::RANGES[field])
                elsif Rules::TEXTS.key?(field) then text_problem(value, *Rules::TEXTS[field])
                end
      raise InvalidContent, "data.#{field} #{problem}" if problem
    end

    def number_problem(value, low, high)
      return "must be a number" unless value.is_a?(Numeric)

      "must be from #{low} to #{high}" unless value.between?(low, high)
    end

    def text_problem(value, forbidden, longest, refused, detail)
      return "must be a text" unless value.is_a?(String)
      return detail if value.match?(forbidden)
      return "must not be #{value}: it cannot be part of an address" if refused.include?(value)

      "must have at most #{longest} characters" if longest && value.length > longest
    end

    def check_order(data, earlier, later)
      first, second = moment(data[earlier]), moment(data[later])
      raise InvalidContent, "data.#{later} is before #{earlier}" if first && second && second < first
    end

    # nil for values that only the service can check.
    def moment(value)
      value && Time.iso8601(value)
    rescue ArgumentError, TypeError
      nil
    end
  end
end
