// Starting and stopping a source's threads; what each does is in source_loops.cc.
#include "relay/core/source_relay.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "relay/core/source_threads.h"

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

SourceRelay::Impl::Impl(const SourceParts& source_parts, SourceOptions source_options)
    : parts(source_parts),
      options(with_seed(std::move(source_options), parts.clock)),
      guard(options.lease_ttl),
      watch(parts.lease.owner(), options.lease_ttl),
      pipeline(options, parts.clock, parts.alerts, parts.metrics) {}

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
  parts.check_back.on_answer([this](const CheckBackAnswer& answer) {
    {
      const std::scoped_lock lock(mutex);
      pipeline.check_answered(answer);
    }
    mark_wake.notify_one();
    read_wake.notify_one();
  });
  for (auto& beat : beats) beat.store(now().count());
  run(watch_loop, &Impl::watch_once);
  run(lease_loop, &Impl::lease_once);
  run(poll_loop, &Impl::poll_once);
  run(feed_loop, &Impl::feed_once);
  run(mark_loop, &Impl::mark_once);
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
  join(feed_loop);
  join(poll_loop);
  parts.publisher.cut();
  {
    const std::scoped_lock lock(mutex);
    pipeline.cut_done();
  }
  mark_wake.notify_one();
  const bool clean = wait_for(deadline / 4, [](const Pipeline& state) { return state.drained(); });
  join(mark_loop);
  join(lease_loop);
  join(watch_loop);
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
