# frozen_string_literal: true

module TutorQuality
  # In-memory cache of a few hundred responses with their ETags. Rails.cache can be used instead.
  class MemoryCache
    def initialize(size = 500)
      @size = size
      @kept = {}
      @lock = Mutex.new
    end

    def read(key)
      @lock.synchronize { @kept[key] }
    end

    # The oldest entry is evicted first.
    def write(key, value, **)
      @lock.synchronize do
        @kept.delete(key)
        @kept[key] = value
        @kept.shift while @kept.size > @size
      end
    end
  end
end
