// One source as the program runs it: its connections, its publisher, its check-back client, and the relay between them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "common/clock.h"
#include "common/metrics.h"
#include "relay/config.h"
#include "relay/core/source_relay.h"
#include "relay/housekeeping.h"

namespace relay {

// What all sources share; outlives them.
struct Shared {
  common::Clock& clock;
  common::Metrics& metrics;
  core::AlertSink& alerts;
};

// Stands between the relay and its publisher. For tests that need a sink which lies; empty in the product.
using WrapPublisher = std::function<std::unique_ptr<core::Publisher>(std::unique_ptr<core::Publisher>)>;

class SourceUnit {
 public:
  // Connects to nothing yet. Throws common::Error (exit code 78) for what the configuration got wrong.
  SourceUnit(const RelayConfig& config, const SourceConfig& source, const Shared& shared, const WrapPublisher& wrap);
  ~SourceUnit();
  SourceUnit(const SourceUnit&) = delete;
  SourceUnit& operator=(const SourceUnit&) = delete;

  void start();
  // As SourceRelay::stop.
  bool stop(std::chrono::milliseconds deadline);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] core::SourceStatus status() const { return relay_->status(); }
  [[nodiscard]] core::SinkStatus sink() const;
  [[nodiscard]] bool alive(std::chrono::milliseconds patience) const { return relay_->alive(patience); }
  [[nodiscard]] std::optional<core::Refusal> refusal() const { return relay_->refusal(); }
  // For the page: a connection of its own.
  [[nodiscard]] std::unique_ptr<core::OutboxObserver> make_observer() const;

 private:
  const std::string name_;
  const SinkConfig sink_;
  core::AlertSink& alerts_;
  HousekeepingOptions housekeeping_options_;
  std::unique_ptr<core::OutboxReader> reader_;
  std::unique_ptr<core::OutboxMarker> marker_;
  std::unique_ptr<core::LeaseStore> lease_;
  std::unique_ptr<core::Publisher> publisher_;
  std::unique_ptr<core::CheckBack> check_back_;
  std::unique_ptr<core::SourceRelay> relay_;
  std::unique_ptr<Housekeeping> housekeeping_;
};

}  // namespace relay
