// The thin shell of threads around Pipeline. Every loop is: take the lock, ask what to do, let go of the lock, do it,
// take the lock, report.
#include <algorithm>
#include <utility>

#include "common/log.h"
#include "relay/core/feed.h"
#include "relay/core/schedule.h"
#include "relay/core/source_threads.h"

namespace relay::core {

using std::chrono::milliseconds;

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
      const auto due = parts.reader.due(options.check.first, step.rows_max);
      return report([&] { pipeline.due_found(due); });
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
  pipeline.checks_refused(rows);
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
      const std::scoped_lock lock(mutex);
      pipeline.lease_looked();
    }
    lease_failures = 0;
  } catch (const DatabaseError& error) {
    if (lease_failures == 0 && error.retryable()) {  // the alert waits for more of its kind; who looks now sees this
      common::log::warn("the database does not answer", {{"source", options.name}, {"reason", error.what()}});
    }
    lease_next = now() + outage_pause(++lease_failures, std::min<Nanoseconds>(beat / 2, options.retry_pause));
    const std::scoped_lock lock(mutex);
    refused(error);
    pipeline.lease_failed(error);
  }
}

void SourceRelay::Impl::stand_by() {
  const LeaseView view = parts.lease.look();
  {
    const std::scoped_lock lock(mutex);
    refusal.reset();
  }
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

}  // namespace relay::core
