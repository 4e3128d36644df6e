// The threads of SourceRelay and what they share; private to source_relay.cc and source_loops.cc.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "relay/core/lease_guard.h"
#include "relay/core/pipeline.h"
#include "relay/core/source_relay.h"

namespace relay::core {

struct SourceRelay::Impl {
  Impl(const SourceParts& source_parts, SourceOptions source_options);

  enum Loop : std::size_t { poll_loop, feed_loop, mark_loop, lease_loop, watch_loop, loops };

  void start();
  bool stop(std::chrono::milliseconds deadline);
  void run(Loop loop, void (Impl::*body)());
  void join(Loop loop);
  bool wait_for(std::chrono::milliseconds deadline, bool (*done)(const Pipeline&));

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
  int lease_failures = 0;      // lease thread; in a row
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

}  // namespace relay::core
