// The relay's alerts: core::AlertSink over the pure state, a thread that tells the receivers what is due.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/metrics.h"
#include "relay/alert/alert_state.h"
#include "relay/alert/receiver.h"
#include "relay/core/alert_sink.h"
#include "relay/core/status.h"

namespace relay::alert {

class Alerts final : public core::AlertSink {
 public:
  // `clock` must outlive it.
  Alerts(AlertTimes times, std::vector<std::unique_ptr<Receiver>> receivers, const common::Clock& clock);
  // Ends its thread and then the receivers. Alerts that still wait are not told.
  ~Alerts() override;

  void raise(const core::AlertKey& key, const std::string& message, std::int64_t rows = 0) override;
  void resolve(const core::AlertKey& key) override;
  // Everything active, for the page. Thread-safe, never blocks.
  [[nodiscard]] std::vector<core::AlertStatus> active() const;
  // Looks at the clock again (tests move it).
  void poke();

 private:
  [[nodiscard]] Now now() const { return {clock_.steady(), clock_.wall()}; }
  void run();

  const common::Clock& clock_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  AlertState state_;           // guarded by mutex_
  std::uint64_t changes_ = 0;  // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_
  std::thread thread_;
};

// The log, and the webhook when `webhook_url` is not empty. Throws common::Error when it is no URL.
[[nodiscard]] std::unique_ptr<Alerts> make_alerts(AlertTimes times, const std::string& webhook_url,
                                                  const common::Clock& clock, common::Metrics& metrics);

}  // namespace relay::alert
