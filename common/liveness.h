// Heartbeats: each loop of the program says that it still turns; /livez tells who has not for too long.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"

namespace common {

// Thread-safe. Must outlive its heartbeats.
class Liveness {
 public:
  class Heartbeat {
   public:
    ~Heartbeat();
    Heartbeat(const Heartbeat&) = delete;
    Heartbeat& operator=(const Heartbeat&) = delete;
    // Lock-free; once per turn of the loop.
    void beat() { last_ns_.store(owner_.clock_.steady().count(), std::memory_order_relaxed); }

   private:
    friend class Liveness;
    Heartbeat(Liveness& owner, std::string name, std::chrono::milliseconds limit)
        : owner_(owner), name_(std::move(name)), limit_(limit) {
      beat();
    }
    Liveness& owner_;
    std::string name_;
    std::chrono::milliseconds limit_;
    std::atomic<std::int64_t> last_ns_{0};
  };

  explicit Liveness(const Clock& clock) : clock_(clock) {}
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;

  // From now on a loop of this name must beat at least every `limit`, until the heartbeat is destroyed.
  [[nodiscard]] std::unique_ptr<Heartbeat> add(std::string name, std::chrono::milliseconds limit);
  // One readable line for each loop that is late; empty: all alive.
  [[nodiscard]] std::vector<std::string> late() const;

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<const Heartbeat*> heartbeats_;  // guarded by mutex_
};

}  // namespace common
