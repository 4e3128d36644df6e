// The clock that retention goes by. It never jumps: it goes on by what the monotonic clock says has passed while this
// process was looking, a minute at most from one look to the next, and starts where the journal says it had come to.
// So a wall clock that is a year off, before or behind, at a start or suddenly, ages nothing; nor does the time in
// which the broker was down. Its readings are stamped into appended batches: only differences between them mean
// anything.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/core/group.h"

namespace broker::core {

// Pure; time is handed in.
class RetentionClock {
 public:
  RetentionClock(std::int64_t start_ms, Time steady) : reading_(std::chrono::milliseconds(start_ms)), seen_(steady) {}

  // `steady` is of the monotonic clock. Never goes back.
  std::int64_t now_ms(Time steady);

 private:
  Time reading_;
  Time seen_;
};

// Where the clock begins: where the journal says it had come to; in a folder without such a mark at the newest stamp in
// it (these were made by the wall clock), but not after the present wall clock; in an empty one at the wall clock.
[[nodiscard]] std::int64_t retention_clock_start(std::optional<std::int64_t> journalled_ms,
                                                 std::optional<std::int64_t> newest_stamp_ms, std::int64_t wall_ms);

}  // namespace broker::core
