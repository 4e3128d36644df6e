// One source at work: the threads around Pipeline. Wired by relay/main, which owns everything handed in here.
//
// Threads: poll (reader), feed (publisher), mark (marker), lease (lease store), watchdog (no connection at all; cuts
// the sink when the lease could not be renewed in time). Each takes Pipeline's lock for decisions only, never for a
// call.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/metrics.h"
#include "relay/core/alert_sink.h"
#include "relay/core/check_back.h"
#include "relay/core/options.h"
#include "relay/core/outbox_store.h"
#include "relay/core/publisher.h"
#include "relay/core/status.h"

namespace relay::core {

// All of them must outlive the SourceRelay. `publisher` and `check_back` belong to this source alone (their handlers
// are set by it); clock, alerts and metrics may be shared.
struct SourceParts {
  OutboxReader& reader;
  OutboxMarker& marker;
  LeaseStore& lease;
  Publisher& publisher;
  CheckBack& check_back;
  common::Clock& clock;
  AlertSink& alerts;
  common::Metrics& metrics;
};

// A definite refusal before the first success (wrong password, no table, schema too old): trying goes on, once every
// few seconds; relay/main decides whether to leave with `exit_code` or to hold the source and run the others.
struct Refusal {
  std::string message;
  common::ExitCode exit_code = common::ExitCode::dependency_refused;
};

// Thread-safe. start() once, stop() at most once.
class SourceRelay {
 public:
  SourceRelay(const SourceParts& parts, SourceOptions options);
  ~SourceRelay();  // stops with a short deadline if nobody did
  SourceRelay(const SourceRelay&) = delete;
  SourceRelay& operator=(const SourceRelay&) = delete;

  // Sets the handlers of publisher and check-back and starts the threads; returns at once, throws nothing.
  void start();
  // Reads no more, lets what is in flight finish, marks it, cuts the rest, frees the lease, joins the threads.
  // Blocks for at most `deadline` plus one call of each connection's time-out. False: something was left unmarked (it
  // will be sent again).
  bool stop(std::chrono::milliseconds deadline = std::chrono::seconds{10});

  [[nodiscard]] SourceStatus status() const;
  // For /livez: every thread came round within the last `patience` (or is in a call that its time-outs will end).
  [[nodiscard]] bool alive(std::chrono::milliseconds patience) const;
  [[nodiscard]] std::optional<Refusal> refusal() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace relay::core
