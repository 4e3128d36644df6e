// One small step at a time, as long again of rest after each, so that it takes at most half a connection's time.
#include "relay/housekeeping.h"

#include "common/log.h"

namespace relay {
namespace {

using std::chrono::milliseconds;
constexpr int kRowsPerStep = 1'000;
constexpr milliseconds kIdlePause{10'000};
constexpr milliseconds kStandbyPause{1'000};
constexpr milliseconds kErrorPause{5'000};
constexpr const char* kSourceChanged = "source_changed";

std::string describe(const pg::SourceIdentity& identity) {
  return "system " + std::to_string(identity.system_identifier) + ", timeline " + std::to_string(identity.timeline) +
         ", table oid " + std::to_string(identity.table_oid);
}

}  // namespace

Housekeeping::Housekeeping(HousekeepingOptions options, std::function<bool()> owns, core::AlertSink& alerts)
    : options_(std::move(options)),
      owns_(std::move(owns)),
      alerts_(alerts),
      retention_(pg::make_retention(options_.store)),
      thread_([this] { run(); }) {}

Housekeeping::~Housekeeping() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  thread_.join();
}

void Housekeeping::run() {
  while (true) {
    milliseconds pause = kErrorPause;
    try {
      pause = owns_() ? step() : kStandbyPause;
    } catch (const common::Error& error) {
      // The pipeline's own connections tell the operator when the database is away.
      common::log::debug("housekeeping waits", {{"source", options_.source}, {"reason", error.what()}});
    }
    std::unique_lock lock(mutex_);
    if (stop_asked_.wait_for(lock, pause, [this] { return stopping_; })) return;
  }
}

milliseconds Housekeeping::step() {
  if (!registered_) look_at_identity();
  const auto started = std::chrono::steady_clock::now();
  const auto done = retention_->purge_delivered(after_, options_.keep_delivered, kRowsPerStep);
  after_ = done.at_end ? core::RowId{} : done.last;
  if (done.at_end) return kIdlePause;
  const auto took = std::chrono::steady_clock::now() - started;
  return std::chrono::duration_cast<milliseconds>(took) + milliseconds(1);
}

void Housekeeping::look_at_identity() {
  const auto registration = pg::register_source(options_.store, options_.source);
  registered_ = true;
  const core::AlertKey key{options_.source, "", kSourceChanged};
  if (!registration.changed_from) return alerts_.resolve(key);
  const std::string message = "the database is not the one it was (restored, failed over or made anew?): was " +
                              describe(*registration.changed_from) + ", is " + describe(registration.now) +
                              "; rows may come again or be missing; when that is understood, delete the source's row "
                              "from outbox_source";
  common::log::error("source changed", {{"source", options_.source}, {"detail", message}});
  alerts_.raise(key, message);
}

}  // namespace relay
