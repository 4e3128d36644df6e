// The thin shell of threads around Pipeline. Every loop is: take the lock, ask what to do, let go of the lock, do it,
// take the lock, report.
#include "relay/core/source_relay.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "common/log.h"
#include "relay/core/feed.h"
#include "relay/core/lease_guard.h"
#include "relay/core/pipeline.h"

namespace relay::core {

using std::chrono::milliseconds;

namespace {

SourceOptions with_seed(SourceOptions options, const common::Clock& clock) {
  if (options.seed == 0) {
    options.seed =
        mix_bits(static_cast<std::uint64_t>(clock.wall().count()) ^ static_cast<std::uint64_t>(clock.steady().count()));
  }
  return options;
}

}  // namespace

struct SourceRelay::Impl {
  Impl(const SourceParts& source_parts, SourceOptions source_options)
      : parts(source_parts),
        options(with_seed(std::move(source_options), parts.clock)),
        guard(options.lease_ttl),
        watch(parts.lease.owner(), options.lease_ttl),
        pipeline(options, parts.clock, parts.alerts, parts.metrics) {}

  enum Loop : std::size_t { poll, feed, mark, lease, watchdog, loops };

  void start();
  bool stop(milliseconds deadline);
  void run(Loop loop, void (Impl::*body)());
  void join(Loop loop);
  bool wait_for(milliseconds deadline, bool (*done)(const Pipeline&));

  void poll_once();
  void read(const ReadStep& step);
  void ask_checks();
  void feed_once();
  void mark_once();
  void lease_once();
  void stand_by();
  void renew(Epoch epoch);
  void watch_once();
  // Nothing more may reach the sink under this lease.
  void lost(Epoch epoch, const std::string& why);

  void sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, Nanoseconds until) const;
  void refused(const DatabaseError& error);
  void log_state();
  [[nodiscard]] Nanoseconds now() const { return parts.clock.steady(); }

  SourceParts parts;
  const SourceOptions options;
  LeaseGuard guard;
  LeaseWatch watch;            // lease thread
  Nanoseconds lease_next{0};   // lease thread
  Nanoseconds state_asked{0};  // feed thread
  Nanoseconds gauges_at{0};    // watchdog thread

  mutable std::mutex mutex;
  Pipeline pipeline;               // guarded by mutex
  std::string logged_state;        // guarded by mutex
  std::optional<Refusal> refusal;  // guarded by mutex
  bool succeeded = false;          // guarded by mutex: the table was read once
  std::condition_variable read_wake;
  std::condition_variable feed_wake;
  std::condition_variable mark_wake;
  std::condition_variable rest_wake;

  std::array<std::thread, loops> threads;
  std::array<std::atomic<bool>, loops> ending{};
  std::array<std::atomic<std::int64_t>, loops> beats{};
  bool started = false;
  bool stopped = false;
};

void SourceRelay::Impl::run(Loop loop, void (Impl::*body)()) {
  threads[loop] = std::thread([this, loop, body] {
    while (!ending[loop].load(std::memory_order_relaxed)) {
      beats[loop].store(now().count(), std::memory_order_relaxed);
      (this->*body)();
    }
  });
}

void SourceRelay::Impl::start() {
  started = true;
  parts.publisher.on_outcomes([this](const std::vector<PublishOutcome>& outcomes) {
    {
      const std::scoped_lock lock(mutex);
      pipeline.outcomes(outcomes);
    }
    mark_wake.notify_one();
    feed_wake.notify_one();
  });
  parts.check_back.on_answer([this](CheckBackAnswer answer) {
    {
      const std::scoped_lock lock(mutex);
      pipeline.check_answered(std::move(answer));
    }
    mark_wake.notify_one();
    read_wake.notify_one();
  });
  for (auto& beat : beats) beat.store(now().count());
  run(watchdog, &Impl::watch_once);
  run(lease, &Impl::lease_once);
  run(poll, &Impl::poll_once);
  run(feed, &Impl::feed_once);
  run(mark, &Impl::mark_once);
}

void SourceRelay::Impl::sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                              Nanoseconds until) const {
  const Nanoseconds pause = until - now();
  if (pause > Nanoseconds{0}) wake.wait_for(lock, std::min<Nanoseconds>(pause, milliseconds{1'000}));
}

void SourceRelay::Impl::log_state() {
  std::string state;
  {
    const std::scoped_lock lock(mutex);
    if (pipeline.state() == logged_state) return;
    logged_state = state = pipeline.state();
  }
  common::log::info("source state", {{"source", options.name}, {"state", state}});
}

// --- reading

void SourceRelay::Impl::poll_once() {
  ReadStep step;
  {
    std::unique_lock lock(mutex);
    step = pipeline.next_read();
    if (step.kind == ReadStep::Kind::wait) return sleep(lock, read_wake, step.wait_until);
  }
  try {
    read(step);
  } catch (const DatabaseError& error) {
    const std::scoped_lock lock(mutex);
    pipeline.read_failed(error);
    refused(error);
  }
  ask_checks();
  feed_wake.notify_one();
}

void SourceRelay::Impl::read(const ReadStep& step) {
  const auto report = [this](auto&& tell) {
    const std::scoped_lock lock(mutex);
    succeeded = true;
    refusal.reset();
    tell();
  };
  switch (step.kind) {
    case ReadStep::Kind::poll: {
      const Nanoseconds sent = now();
      PollResult result = parts.reader.poll(
          PollRequest{.after = step.after, .gaps = step.gaps, .rows_max = step.rows_max, .bytes_max = step.bytes_max});
      return report([&] { pipeline.polled(std::move(result), sent); });
    }
    case ReadStep::Kind::sweep: {
      auto page = parts.reader.sweep(step.after, step.up_to, step.rows_max);
      return report([&] { pipeline.swept(std::move(page)); });
    }
    case ReadStep::Kind::due: {
      auto due = parts.reader.due(options.check.first, step.rows_max);
      return report([&] { pipeline.due_found(std::move(due)); });
    }
    case ReadStep::Kind::load: {
      auto rows = parts.reader.load(step.ids, step.bytes_max);
      return report([&] { pipeline.loaded(std::move(rows)); });
    }
    case ReadStep::Kind::flushed: {
      const Lsn lsn = parts.reader.flushed(step.nudge);
      return report([&] { pipeline.flushed(lsn); });
    }
    case ReadStep::Kind::wait:
      return;
  }
}

void SourceRelay::Impl::ask_checks() {
  std::vector<Row> rows;
  {
    const std::scoped_lock lock(mutex);
    rows = pipeline.take_checks();
  }
  if (rows.empty()) return;
  std::size_t taken = 0;
  while (taken < rows.size() && parts.check_back.ask(rows[taken])) ++taken;
  if (taken == rows.size()) return;
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(taken));
  const std::scoped_lock lock(mutex);
  pipeline.checks_refused(std::move(rows));
}

// --- feeding

void SourceRelay::Impl::feed_once() {
  log_state();
  if (now() - state_asked >= milliseconds{50}) {
    state_asked = now();
    const SinkState state = parts.publisher.state();
    const std::scoped_lock lock(mutex);
    pipeline.sink_state(state);
  }
  SinkStep step;
  {
    std::unique_lock lock(mutex);
    step = pipeline.next_sink(guard.may_feed(now()));
    if (step.kind == SinkStep::Kind::wait) return sleep(lock, feed_wake, step.wait_until);
  }
  switch (step.kind) {
    case SinkStep::Kind::cut: {
      log_state();
      parts.publisher.cut();
      const std::scoped_lock lock(mutex);
      pipeline.cut_done();
      break;
    }
    case SinkStep::Kind::rebuild:
      try {
        parts.publisher.rebuild(step.epoch);
        const std::scoped_lock lock(mutex);
        pipeline.rebuilt(step.epoch);
      } catch (const common::Error& error) {
        const std::scoped_lock lock(mutex);
        pipeline.rebuild_failed(error.what());
      }
      break;
    case SinkStep::Kind::feed: {
      FeedReport report = core::feed(parts.publisher, step.batch, [this] { return guard.may_feed(now()); });
      const std::scoped_lock lock(mutex);
      pipeline.fed(std::move(report));
      break;
    }
    case SinkStep::Kind::wait:
      break;
  }
  read_wake.notify_one();
}

// --- marking

void SourceRelay::Impl::mark_once() {
  std::optional<MarkWork> work;
  {
    std::unique_lock lock(mutex);
    work = pipeline.next_marks();
    if (!work) return sleep(lock, mark_wake, pipeline.mark_wait());
  }
  bool fenced = false;
  try {
    const MarkResult result = parts.marker.mark(work->epoch, work->batch);
    const std::scoped_lock lock(mutex);
    fenced = pipeline.marked(*work, result);
  } catch (const DatabaseError& error) {
    const std::scoped_lock lock(mutex);
    pipeline.mark_failed(*work, error);
  }
  if (fenced) lost(work->epoch, "another relay has taken the lease");
  read_wake.notify_one();
}

// --- owning

void SourceRelay::Impl::lost(Epoch epoch, const std::string& why) {
  {
    const std::scoped_lock lock(mutex);
    if (guard.epoch() != epoch) return;
    guard.lost();
    pipeline.disowned(why);
  }
  // The feed thread cuts as well; whoever notices does not wait for it.
  parts.publisher.cut();
  feed_wake.notify_one();
}

void SourceRelay::Impl::lease_once() {
  {
    std::unique_lock lock(mutex);
    if (now() < lease_next) return sleep(lock, rest_wake, lease_next);
  }
  const Nanoseconds begun = now();
  const std::optional<Epoch> epoch = guard.epoch();
  const Nanoseconds beat = Nanoseconds{options.lease_ttl} / 5;
  try {
    if (epoch) {
      renew(*epoch);
      lease_next = begun + beat;
    } else {
      lease_next = begun + std::min<Nanoseconds>(beat, milliseconds{1'000});
      stand_by();
    }
  } catch (const DatabaseError& error) {
    lease_next = now() + std::min<Nanoseconds>(beat / 2, options.retry_pause);
    const std::scoped_lock lock(mutex);
    refused(error);
  }
}

void SourceRelay::Impl::stand_by() {
  const LeaseView view = parts.lease.look();
  if (!watch.may_take(view, now())) return;
  const Nanoseconds begun = now();
  const std::optional<Epoch> taken = parts.lease.take(view);
  watch.forget();
  if (!taken) return;
  lease_next = begun + Nanoseconds{options.lease_ttl} / 5;
  {
    const std::scoped_lock lock(mutex);
    guard.acquired(*taken, begun);
    pipeline.owned(*taken);
  }
  common::log::info("lease taken", {{"source", options.name}, {"epoch", taken->value()}});
  feed_wake.notify_one();
}

void SourceRelay::Impl::renew(Epoch epoch) {
  const Nanoseconds begun = now();
  if (parts.lease.renew(epoch)) {
    guard.renewed(begun);
  } else {
    lost(epoch, "another relay has taken the lease");
  }
}

void SourceRelay::Impl::watch_once() {
  if (const auto epoch = guard.epoch(); epoch && guard.must_cut(now())) {
    lost(*epoch, "the lease could not be renewed in time");
  }
  std::unique_lock lock(mutex);
  if (now() - gauges_at >= milliseconds{500}) {
    gauges_at = now();
    pipeline.publish_gauges();
  }
  sleep(lock, rest_wake,
        now() + std::clamp<Nanoseconds>(Nanoseconds{options.lease_ttl} / 30, milliseconds{10}, milliseconds{100}));
}

void SourceRelay::Impl::refused(const DatabaseError& error) {
  if (succeeded || error.retryable()) return;
  refusal = Refusal{.message = error.what(), .exit_code = error.exit_code()};
}

// --- stopping

void SourceRelay::Impl::join(Loop loop) {
  ending[loop] = true;
  for (auto* wake : {&read_wake, &feed_wake, &mark_wake, &rest_wake}) {
    const std::scoped_lock lock(mutex);
    wake->notify_all();
  }
  if (threads[loop].joinable()) threads[loop].join();
}

bool SourceRelay::Impl::wait_for(milliseconds deadline, bool (*done)(const Pipeline&)) {
  const Nanoseconds until = now() + deadline;
  std::unique_lock lock(mutex);
  while (!done(pipeline)) {
    if (now() >= until) return false;
    rest_wake.wait_for(lock, milliseconds{10});
  }
  return true;
}

bool SourceRelay::Impl::stop(milliseconds deadline) {
  if (!started || std::exchange(stopped, true)) return true;
  {
    const std::scoped_lock lock(mutex);
    pipeline.drain();
  }
  wait_for(deadline / 2, [](const Pipeline& state) { return state.in_flight().handed() == 0; });
  join(feed);
  join(poll);
  parts.publisher.cut();
  {
    const std::scoped_lock lock(mutex);
    pipeline.cut_done();
  }
  mark_wake.notify_one();
  const bool clean = wait_for(deadline / 4, [](const Pipeline& state) { return state.drained(); });
  join(mark);
  join(lease);
  join(watchdog);
  const std::optional<Epoch> epoch = guard.epoch();
  guard.lost();
  if (epoch) {
    try {
      parts.lease.release(*epoch);
    } catch (const DatabaseError& error) {
      common::log::warn("lease not freed, it will run out", {{"source", options.name}, {"error", error.what()}});
    }
  }
  common::log::info("source stopped", {{"source", options.name}, {"all_marked", clean}});
  return clean;
}

SourceRelay::SourceRelay(const SourceParts& parts, SourceOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}

SourceRelay::~SourceRelay() { impl_->stop(milliseconds{1'000}); }

void SourceRelay::start() { impl_->start(); }

bool SourceRelay::stop(milliseconds deadline) { return impl_->stop(deadline); }

SourceStatus SourceRelay::status() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->pipeline.status();
}

bool SourceRelay::alive(milliseconds patience) const {
  const std::int64_t oldest = (impl_->now() - Nanoseconds{patience}).count();
  return std::all_of(impl_->beats.begin(), impl_->beats.end(),
                     [oldest](const auto& beat) { return beat.load(std::memory_order_relaxed) >= oldest; });
}

std::optional<Refusal> SourceRelay::refusal() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->refusal;
}

}  // namespace relay::core
