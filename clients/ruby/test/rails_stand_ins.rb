# frozen_string_literal: true

require "securerandom"

# As much of Rails as docs/rails.md uses, in memory, so that its blocks can run where Rails is not installed.

module ActiveSupport
  module Concern
    def included(base = nil, &block)
      block ? @when_included = block : base.class_eval(&@when_included)
    end
  end

  # A zone of Rails by its name; the names of Rails' own list are mapped by tzinfo.
  class TimeZone
    Zone = Struct.new(:name)
    NAMES = { "Berlin" => "Europe/Berlin" }.freeze

    def self.[](name) = new(name)
    def initialize(name) = @name = name
    def tzinfo = Zone.new(NAMES.fetch(@name, @name))
  end

  module SecurityUtils
    def self.secure_compare(one, other) = OpenSSL.secure_compare(one, other)
  end
end

class Time
  def self.current = now
end

class Integer
  def minutes = self * 60
  def ago = Time.now - self
end

module Rails
  def self.cache = @cache ||= TutorQuality::MemoryCache.new
  def self.logger = @logger ||= Logger.new(IO::NULL)
end

module ActiveJob
  class DeserializationError < StandardError; end
end

# Jobs wait in a list until `work`.
class ApplicationJob
  def self.waiting = @@waiting ||= []
  def self.queue_as(*) = nil
  def self.discard_on(*) = nil
  def self.retry_on(*kinds, **) = @retried = kinds
  def self.retried = @retried || []
  def self.perform_later(*arguments) = waiting << [self, arguments]
  def self.perform_now(*arguments) = new.perform(*arguments)

  # Runs what waits, once; what is to be tried again waits again.
  def self.work
    waiting.slice!(0..).each do |job, arguments|
      job.new.perform(*arguments)
    rescue *job.retried
      job.perform_later(*arguments)
    end
  end
end

module ActiveRecord
  class RecordNotUnique < StandardError; end

  class Migration
    def self.[](_version) = self
  end
end

# Rows in a list, with the callbacks, scopes and `saved_change_to_…?` that the page uses.
class ApplicationRecord
  CALLBACKS = %i[after_create after_update after_save after_destroy after_create_commit].freeze

  class << self
    def rows = @rows ||= []
    def hooks = @hooks ||= Hash.new { |hash, name| hash[name] = [] }
    def all = Rows.new(self, rows)
    def where(...) = all.where(...)
    def scope(name, body) = define_singleton_method(name) { instance_exec(&body) }

    CALLBACKS.each { |name| define_method(name) { |&block| hooks[name] << block } }

    def create!(**values)
      raise ActiveRecord::RecordNotUnique if rows.any? { |row| unique && row[unique] == values[unique] }

      new({ id: rows.size + 1, created_at: Time.now }.merge(values)).tap do |row|
        rows << row
        row.run(:after_create)
        row.run(:after_save)
        row.run(:after_create_commit)
      end
    end

    def unique = { "TutorQualityEvent" => :event_id, "TutorQualityWebhook" => :webhook_id }[name]
  end

  def initialize(values)
    @values = values
    @before = {}
  end

  def [](name) = @values[name]
  def run(hook) = self.class.hooks[hook].each { |block| instance_exec(&block) }

  def update!(**values)
    @before = values.keys.to_h { |name| [name, @values[name]] }
    @values.merge!(values)
    run(:after_update)
    run(:after_save)
  end

  def saved_changes
    @before.reject { |name, value| value == @values[name] }.transform_keys(&:to_s)
  end

  def destroy!
    self.class.rows.delete(self)
    run(:after_destroy)
  end

  def respond_to_missing?(*) = true

  def method_missing(name, *)
    case name
    when /\Asaved_change_to_(.*)\?\z/ then @before.key?($1.to_sym) && @before[$1.to_sym] != @values[$1.to_sym]
    when /\A(.*)_before_last_save\z/ then @before[$1.to_sym]
    when /\A(.*)\?\z/ then !@values[$1.to_sym].nil?
    else @values[name]
    end
  end

  class Rows
    include Enumerable

    def initialize(model, rows)
      @model = model
      @rows = rows
    end

    def each(&block) = @rows.each(&block)
    def order(name) = Rows.new(@model, sort_by { |row| row[name] })
    def limit(count) = Rows.new(@model, first(count))
    def index_by(&block) = to_h { |row| [block.call(row), row] }
    def find_in_batches(batch_size:, &block) = each_slice(batch_size, &block)
    def update_all(**values) = each { |row| row.instance_variable_get(:@values).merge!(values) }

    # Of SQL it knows the one sentence of the page.
    def where(sql = nil, *arguments, **values)
      return Rows.new(@model, select { |row| row[:id] > arguments.first }) if sql == "id > ?"

      Rows.new(@model, select { |row| values.all? { |name, value| fits?(row[name], value) } })
    end

    private

    def fits?(found, wanted)
      case wanted
      when Array then wanted.include?(found)
      when Range then wanted.cover?(found)
      else found == wanted
      end
    end
  end
end

module ActionController
  module HttpAuthentication
    module Token
      module ControllerMethods
        def authenticate_or_request_with_http_token
          token = request.headers["Authorization"].to_s.delete_prefix("Bearer ")
          yield(token) || head(:unauthorized)
        end
      end
    end
  end

  # One action of one request; `answer` is what was rendered.
  class API
    Request = Struct.new(:headers, :raw_post, keyword_init: true)

    class Params < Hash
      alias require fetch
    end

    attr_reader :request, :params, :answer

    def self.before_action(name) = (@before ||= []) << name
    def self.before = @before || []

    def self.call(action, headers: {}, body: "", params: {})
      new(Request.new(headers: headers, raw_post: body), Params.new.merge(params)).tap do |controller|
        before.each { |name| controller.answer || controller.send(name) }
        controller.answer || controller.send(action)
      end.answer
    end

    def initialize(request, params)
      @request = request
      @params = params
    end

    def head(status) = @answer = status
    def render(json:) = @answer = json
  end
end

# Mails are kept instead of sent.
class TutorQualityMailer
  def self.sent = @sent ||= []
  def self.alert(data) = new(data)
  def initialize(data) = @data = data
  def deliver_later = self.class.sent << @data
end
