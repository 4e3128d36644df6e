// When to try again: failed deliveries, check-backs, and a sink that is away. Pure: no clock, no state of a row.
#pragma once

#include <chrono>
#include <cstdint>

#include "relay/core/check_back.h"
#include "relay/core/options.h"
#include "relay/core/outbox_store.h"

namespace relay::core {

// A small generator for jitter; a seed gives the same series everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  // In [0, 1).
  double next();

 private:
  std::uint64_t state_;
};

// The wait after the `failures`-th failure (1, 2, …): first × factor^(failures − 1), at most max, ± jitter.
[[nodiscard]] std::chrono::milliseconds retry_wait(const RetryOptions& options, int failures, Dice& dice);

// Between two tries against something that is away, after so many in a row have failed: at once, then ever later.
// What is back soon is found soon, and a connection lost after a long wait costs no further one.
[[nodiscard]] std::chrono::nanoseconds outage_pause(int failures, std::chrono::nanoseconds max);

// What a row's record of check-backs was when it was asked.
struct CheckHistory {
  int checks = 0;
  int unknown_checks = 0;
  std::chrono::microseconds since_first_check{-1};  // at the answer; negative: this was the first
};

// What to write after an answer (CONTRACTS §3). `detail` is the answer's.
[[nodiscard]] Checked judge_check(const CheckOptions& options, const CheckHistory& history,
                                  const CheckBackAnswer& answer);

}  // namespace relay::core
