// Starts everything, waits for the wish to stop, stops everything.
#include "relay/app.h"

#include <future>

#include "common/admin_server.h"
#include "common/liveness.h"
#include "common/log.h"
#include "common/version.h"
#include "relay/http/status_json.h"
#include "relay/http/web_server.h"

namespace relay {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kStopDeadline{7'000};  // leaves time for one call of each connection
constexpr milliseconds kLook{100};
constexpr milliseconds kLoopPatience{30'000};  // longer than any call's time-out at the defaults

}  // namespace

App::App(const RelayConfig& config, const WrapPublisher& wrap)
    : config_(config),
      started_wall_(clock_.wall()),
      alerts_(alert::make_alerts({.wait = config.alert.wait, .repeat = config.alert.repeat}, config.alert.webhook_url,
                                 clock_, metrics_)) {
  metrics_
      .gauge("outbox_build_info", "What this build is",
             {{"version", std::string(common::version())}, {"revision", std::string(common::revision())}})
      .set(1);
  for (const auto& source : config.sources) {
    sources_.push_back(std::make_unique<SourceUnit>(config, source, Shared{clock_, metrics_, *alerts_}, wrap));
  }
}

App::~App() = default;

int App::run(common::Shutdown& shutdown) {
  common::Liveness liveness(clock_);
  const common::AdminServer admin(config_.admin.address, liveness, metrics_,
                                  {.status = [this] { return http::status_json(status(), clock_.wall()) + "\n"; },
                                   .not_ready = [] { return std::string(); },
                                   .before_metrics = {}});
  std::vector<http::WebSource> watched;
  watched.reserve(sources_.size());
  for (const auto& source : sources_) watched.push_back({source->name(), source->make_observer()});
  const http::WebServer web(config_.web.address, [this] { return status(); }, std::move(watched), clock_);
  const auto heartbeat = liveness.add("sources", kLoopPatience);
  for (const auto& source : sources_) source->start();
  common::log::info("relay started", {{"version", common::version()},
                                      {"sources", sources_.size()},
                                      {"health", admin.address().text()},
                                      {"page", "http://" + web.address().text() + "/"}});
  while (!shutdown.wait_for(kLook)) {
    bool all_alive = true;
    for (const auto& source : sources_) all_alive = all_alive && source->alive(kLoopPatience);
    if (all_alive) heartbeat->beat();
    if (const auto code = refused()) {
      stop_sources();
      return *code;
    }
  }
  common::log::info("stopping", {{"signal", shutdown.signal()}});
  const bool clean = stop_sources();
  common::log::info("relay stopped", {{"everything_marked", clean}});
  return 0;
}

core::RelayStatus App::status() const {
  core::RelayStatus status{.version = std::string(common::version()),
                           .started_wall = started_wall_,
                           .sources = {},
                           .sinks = {},
                           .alerts = alerts_->active()};
  for (const auto& source : sources_) {
    status.sources.push_back(source->status());
    status.sinks.push_back(source->sink());
  }
  return status;
}

std::optional<int> App::refused() {
  // With several sources a refused one is held, with its alert, and the others run.
  if (sources_.size() != 1) return std::nullopt;
  const auto refusal = sources_.front()->refusal();
  if (!refusal) return std::nullopt;
  common::log::error("source refused", {{"source", sources_.front()->name()}, {"reason", refusal->message}});
  return static_cast<int>(refusal->exit_code);
}

bool App::stop_sources() {
  std::vector<std::future<bool>> stopping;
  stopping.reserve(sources_.size());
  for (const auto& source : sources_) {
    stopping.push_back(std::async(std::launch::async, [&source] { return source->stop(kStopDeadline); }));
  }
  bool clean = true;
  for (auto& stopped : stopping) clean = stopped.get() && clean;
  return clean;
}

}  // namespace relay
