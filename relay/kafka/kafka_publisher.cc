// Threads and life time: one event thread serves all producers; generations come with rebuild() and go with cut().
#include "relay/kafka/kafka_publisher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "common/ensure.h"
#include "common/error.h"
#include "common/log.h"
#include "relay/kafka/generation.h"

namespace relay::kafka {
namespace {

using namespace std::chrono_literals;
using core::PublishOutcome;
using std::chrono::nanoseconds;

constexpr nanoseconds kPurgeWait = 1s;     // then what was not reported is given up
constexpr nanoseconds kPurgeAgain = 50ms;  // what moved between two queues while the first purge went through
constexpr int kIdleWakeMs = 250;
constexpr nanoseconds kSocketsLook = 250ms;

// Ends generations without making anybody wait: rd_kafka_destroy() joins threads that may be resolving a name.
class Reaper {
 public:
  ~Reaper() {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, 2s, [this] { return state_->busy == 0; });
  }
  void take(std::unique_ptr<Generation> generation) {
    generation->detach();
    {
      const std::scoped_lock lock(state_->mutex);
      ++state_->busy;
    }
    std::thread([state = state_, dying = std::move(generation)]() mutable {
      dying.reset();
      const std::scoped_lock lock(state->mutex);
      --state->busy;
      state->changed.notify_all();
    }).detach();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int busy = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class EventFd {
 public:
  EventFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw common::Error("no eventfd: too many open files");
  }
  ~EventFd() { close(fd_); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  void wake() const {
    const std::uint64_t one = 1;
    (void)!write(fd_, &one, sizeof one);
  }
  void wait(int timeout_ms) const {
    pollfd poll_for{fd_, POLLIN, 0};
    (void)::poll(&poll_for, 1, timeout_ms);
    std::uint64_t count = 0;
    (void)!read(fd_, &count, sizeof count);
  }

 private:
  int fd_;
};

}  // namespace

class KafkaPublisher::Impl {
 public:
  Impl(PublisherConfig config, const common::Clock& clock)
      : config_(std::move(config)),
        clock_(clock),
        message_bytes_max_(message_bytes_max(config_)),
        compresses_(compresses(config_)),
        admin_(config_, clock_, wake_.fd()),
        thread_([this] { run(); }) {}

  ~Impl() {
    cut();
    stopping_ = true;
    wake_.wake();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void on_outcomes(OutcomeHandler handler) {
    const std::scoped_lock lock(mutex_);
    ENSURE(!handler_, "the outcome handler is set once");
    handler_ = std::move(handler);
  }

  core::Enqueued enqueue(const core::Row& row, core::Lane lane) {
    const TopicLimit limit = lane == core::Lane::main ? admin_.limit(row.topic) : TopicLimit{};
    const std::scoped_lock lock(mutex_);
    ENSURE(static_cast<bool>(handler_), "the outcome handler comes before the first row");
    if (!current_) return core::Enqueued::down;
    return current_->enqueue(row, lane, limit);
  }

  std::optional<PublishOutcome> refuse(const core::Row& row);
  void cut();
  void rebuild(core::Epoch epoch);
  [[nodiscard]] core::SinkState state() const;

 private:
  void run();
  void serve();
  void drain(Producer& producer);
  void take_reports(rd_kafka_event_t* event);
  void take_error(Producer& producer, rd_kafka_event_t* event);
  void deliver(std::vector<PublishOutcome> outcomes);
  void end_cut_when_done();

  const PublisherConfig config_;
  const common::Clock& clock_;
  const std::int64_t message_bytes_max_;
  const bool compresses_;
  EventFd wake_;
  Reaper reaper_;
  Admin admin_;

  mutable std::mutex mutex_;
  std::condition_variable cut_done_;
  std::unique_ptr<Generation> current_;  // guarded by mutex_; ended by the event thread alone
  nanoseconds cut_since_{0};             // guarded by mutex_
  nanoseconds purged_at_{0};             // guarded by mutex_
  OutcomeHandler handler_;               // set once under mutex_, then read by the event thread

  nanoseconds sockets_looked_at_{0};  // event thread
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: everything above exists while it runs
};

std::optional<PublishOutcome> KafkaPublisher::Impl::refuse(const core::Row& row) {
  if (auto refused = refuse_form(row)) return refused;
  const TopicLimit limit = admin_.limit(row.topic);
  const bool known = limit.state == TopicLimit::State::known && !compresses_;
  const std::int64_t allowed = known ? std::min(limit.max_message_bytes, message_bytes_max_) : message_bytes_max_;
  // Far below the limit nothing has to be counted: twelve bytes are more than any header's two lengths need.
  const auto headers = static_cast<std::int64_t>(row.headers.size());
  if (static_cast<std::int64_t>(row.bytes() + config_.source.size()) + 12 * headers + 512 < allowed)
    return std::nullopt;
  const std::int64_t bytes = single_batch_bytes(config_.source, row);
  if (bytes <= allowed) return std::nullopt;
  if (known && allowed == limit.max_message_bytes)
    return too_large(row, bytes, allowed, "max.message.bytes of topic " + row.topic);
  return too_large(row, bytes, allowed, "message.max.bytes of [sink.properties]");
}

void KafkaPublisher::Impl::cut() {
  ENSURE(std::this_thread::get_id() != thread_.get_id(), "cut() from inside the outcome handler would wait for itself");
  std::unique_lock lock(mutex_);
  if (!current_) return;
  if (!current_->is_cut()) {
    cut_since_ = purged_at_ = clock_.steady();
    current_->start_cut();
  }
  wake_.wake();
  const Generation* const ending = current_.get();
  cut_done_.wait(lock, [&] { return current_.get() != ending; });
}

void KafkaPublisher::Impl::rebuild(core::Epoch epoch) {
  auto fresh = std::make_unique<Generation>(config_, clock_, epoch, wake_.fd());
  const std::scoped_lock lock(mutex_);
  ENSURE(!current_, "rebuild() without cut()");
  current_ = std::move(fresh);
}

core::SinkState KafkaPublisher::Impl::state() const {
  core::SinkState state;
  state.up = admin_.up();
  state.reason = admin_.reason();
  const std::scoped_lock lock(mutex_);
  if (current_ && current_->is_fatal()) {
    state.fatal = true;
    state.reason = current_->fatal_reason();
  }
  return state;
}

void KafkaPublisher::Impl::run() {
  while (!stopping_) {
    bool cutting = false;
    {
      const std::scoped_lock lock(mutex_);
      cutting = current_ && current_->is_cut();
    }
    wake_.wait(cutting ? 10 : kIdleWakeMs);
    serve();
  }
}

// Everything that has come, once.
void KafkaPublisher::Impl::serve() {
  std::vector<Producer*> producers;
  std::vector<PublishOutcome> local;
  {
    const std::scoped_lock lock(mutex_);
    if (current_) {
      producers = current_->producers();  // they stay: only this thread ends a generation
      local = current_->take_local();
    }
  }
  deliver(std::move(local));
  for (Producer* producer : producers) drain(*producer);
  admin_.serve();
  if (const nanoseconds now = clock_.steady(); now - sockets_looked_at_ >= kSocketsLook) {
    sockets_looked_at_ = now;
    for (Producer* producer : producers) producer->end_cut_off(now);
    admin_.end_cut_off(now);
  }
  end_cut_when_done();
}

void KafkaPublisher::Impl::drain(Producer& producer) {
  while (const Event event = producer.poll()) {
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR)
      take_reports(event.get());
    else if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
      take_error(producer, event.get());
  }
}

void KafkaPublisher::Impl::take_reports(rd_kafka_event_t* event) {
  std::vector<const rd_kafka_message_t*> reports(rd_kafka_event_message_count(event));
  reports.resize(rd_kafka_event_message_array(event, reports.data(), reports.size()));
  std::vector<PublishOutcome> outcomes;
  outcomes.reserve(reports.size());
  bool acknowledged = false;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto* report : reports) {
      outcomes.push_back(current_->finish(*report));
      acknowledged |= report->err == RD_KAFKA_RESP_ERR_NO_ERROR;
      if (report->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && report->rkt != nullptr)
        admin_.ask_again(rd_kafka_topic_name(report->rkt));
    }
  }
  if (acknowledged) admin_.saw_acknowledgement();
  deliver(std::move(outcomes));
}

void KafkaPublisher::Impl::take_error(Producer& producer, rd_kafka_event_t* event) {
  // Of a fatal event, the code is the cause's.
  if (rd_kafka_event_error_is_fatal(event) == 0) {
    admin_.saw_error(rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    return;
  }
  const std::string reason = producer.fatal_reason();
  common::log::warn("producer ended by a fatal error", {{"reason", reason}});
  const std::scoped_lock lock(mutex_);
  current_->set_fatal(reason);
}

void KafkaPublisher::Impl::deliver(std::vector<PublishOutcome> outcomes) {
  if (!outcomes.empty()) handler_(std::move(outcomes));
}

void KafkaPublisher::Impl::end_cut_when_done() {
  std::vector<PublishOutcome> local;
  std::vector<PublishOutcome> abandoned;
  {
    const std::scoped_lock lock(mutex_);
    if (!current_ || !current_->is_cut()) return;
    const nanoseconds now = clock_.steady();
    if (current_->outstanding() > 0 && now - cut_since_ < kPurgeWait) {
      if (now - purged_at_ >= kPurgeAgain) {
        purged_at_ = now;
        current_->start_cut();
      }
      return;
    }
    local = current_->take_local();
    abandoned = current_->abandon();
  }
  deliver(std::move(local));
  if (!abandoned.empty())
    common::log::warn("records abandoned: the Kafka client did not report their end", {{"records", abandoned.size()}});
  deliver(std::move(abandoned));
  std::unique_ptr<Generation> ended;
  {
    const std::scoped_lock lock(mutex_);
    ended = std::move(current_);
    cut_done_.notify_all();
  }
  reaper_.take(std::move(ended));
}

KafkaPublisher::KafkaPublisher(PublisherConfig config, const common::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(config), clock)) {}
KafkaPublisher::~KafkaPublisher() = default;
void KafkaPublisher::on_outcomes(OutcomeHandler handler) { impl_->on_outcomes(std::move(handler)); }
core::Enqueued KafkaPublisher::enqueue(const core::Row& row, core::Lane lane) { return impl_->enqueue(row, lane); }
std::optional<PublishOutcome> KafkaPublisher::refuse(const core::Row& row) { return impl_->refuse(row); }
void KafkaPublisher::cut() { impl_->cut(); }
void KafkaPublisher::rebuild(core::Epoch epoch) { impl_->rebuild(epoch); }
core::SinkState KafkaPublisher::state() const { return impl_->state(); }

}  // namespace relay::kafka
