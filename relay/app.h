// outbox-relay's composition root: reads like the list of what runs.
#pragma once

#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/metrics.h"
#include "common/shutdown.h"
#include "relay/alert/alerts.h"
#include "relay/config.h"
#include "relay/source_unit.h"

namespace relay {

class App {
 public:
  // Throws common::Error for what the configuration got wrong. `config` must outlive it.
  explicit App(const RelayConfig& config, const WrapPublisher& wrap = {});
  ~App();

  // Serves the health address and the page, runs every source until `shutdown` is requested, then stops them within
  // ten seconds. Returns the exit code.
  int run(common::Shutdown& shutdown);

 private:
  [[nodiscard]] core::RelayStatus status() const;
  // The exit code of a refusal that ends the program: the only source was refused before its first success.
  [[nodiscard]] std::optional<int> refused();
  bool stop_sources();

  const RelayConfig& config_;
  common::SystemClock clock_;
  common::Metrics metrics_;
  const std::chrono::microseconds started_wall_;
  std::unique_ptr<alert::Alerts> alerts_;
  std::vector<std::unique_ptr<SourceUnit>> sources_;
};

}  // namespace relay
