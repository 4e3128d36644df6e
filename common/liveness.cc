// Who has not beaten for too long.
#include "common/liveness.h"

#include <algorithm>

#include "common/units.h"

namespace common {

std::unique_ptr<Liveness::Heartbeat> Liveness::add(std::string name, std::chrono::milliseconds limit) {
  std::unique_ptr<Heartbeat> heartbeat(new Heartbeat(*this, std::move(name), limit));
  const std::lock_guard lock(mutex_);
  heartbeats_.push_back(heartbeat.get());
  return heartbeat;
}

Liveness::Heartbeat::~Heartbeat() {
  const std::lock_guard lock(owner_.mutex_);
  std::erase(owner_.heartbeats_, this);
}

std::vector<std::string> Liveness::late() const {
  const std::chrono::nanoseconds now = clock_.steady();
  std::vector<std::string> lines;
  const std::lock_guard lock(mutex_);
  for (const Heartbeat* heartbeat : heartbeats_) {
    const auto silent = now - std::chrono::nanoseconds(heartbeat->last_ns_.load(std::memory_order_relaxed));
    if (silent <= heartbeat->limit_) continue;
    lines.push_back(heartbeat->name_ + ": no turn for " +
                    format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(silent)) + ", the limit is " +
                    format_duration(heartbeat->limit_));
  }
  return lines;
}

}  // namespace common
