# frozen_string_literal: true

module TutorQuality
  # The last answers with their ETags, a few hundred of them. Rails.cache can stand in its place.
  class MemoryCache
    def initialize(size = 500)
      @size = size
      @kept = {}
      @lock = Mutex.new
    end

    def read(key)
      @lock.synchronize { @kept[key] }
    end

    # The oldest goes first.
    def write(key, value, **)
      @lock.synchronize do
        @kept.delete(key)
        @kept[key] = value
        @kept.shift while @kept.size > @size
      end
    end
  end
end
