// Time as far as it was watched.
#include "broker/core/retention_clock.h"

#include <algorithm>
#include <chrono>

namespace broker::core {

namespace {
// Looks come every second. A longer silence is a process that was stopped, or a clock that is not what it says.
constexpr std::chrono::minutes kStepMax{1};
}  // namespace

std::int64_t RetentionClock::now_ms(Time steady) {
  reading_ += std::clamp<Time>(steady - seen_, Time(0), kStepMax);
  seen_ = steady;
  return std::chrono::duration_cast<std::chrono::milliseconds>(reading_).count();
}

std::int64_t retention_clock_start(std::optional<std::int64_t> journalled_ms,
                                   std::optional<std::int64_t> newest_stamp_ms, std::int64_t wall_ms) {
  if (journalled_ms) return *journalled_ms;
  return newest_stamp_ms ? std::min(*newest_stamp_ms, wall_ms) : wall_ms;
}

}  // namespace broker::core
