// When a deserted group's committed offsets have been of no use for so long that they may go: only where somebody has
// asked for it, for committed offsets are what keeps records from being deleted.
//
// No clock is believed alone. The group must have been empty, and silent, for the whole time as the monotonic clock of
// this process counted it; a restart begins to count anew. And the recorded time of its last commit must lie that far
// back by the wall clock. So a wall clock that jumps, forwards or backwards, now or while the broker was down, expires
// nothing too early.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/groups.h"
#include "broker/core/state.h"

namespace broker::core {

class OffsetExpiry {
 public:
  // `after` none: never.
  OffsetExpiry(std::optional<std::chrono::milliseconds> after, Time started) : after_(after), next_look_(started) {}

  [[nodiscard]] Time next_deadline() const { return next_look_; }
  // The groups whose offsets are to go now, those that have none left included; looks at them once a minute.
  [[nodiscard]] std::vector<std::string> due(const Groups& groups, const State& state, Time now, std::int64_t wall_ms);

 private:
  std::optional<std::chrono::milliseconds> after_;
  Time next_look_;
};

}  // namespace broker::core
