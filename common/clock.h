// Time as a dependency: whoever needs it is handed a Clock, so that tests decide what time it is.
#pragma once

#include <chrono>

namespace common {

// Thread-safe, never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic; for deadlines, leases and durations. Goes on while the process is stopped (CLOCK_BOOTTIME).
  [[nodiscard]] virtual std::chrono::nanoseconds steady() const = 0;
  // Since 1970 UTC, may jump; only for what people and records are shown.
  [[nodiscard]] virtual std::chrono::microseconds wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::nanoseconds steady() const override;
  [[nodiscard]] std::chrono::microseconds wall() const override;
};

}  // namespace common
