// What the poll thread is told to do next. Plain values, so that the call itself needs no lock.
#pragma once

#include <chrono>
#include <vector>

#include "relay/core/outbox_store.h"

namespace relay::core {

struct ReadStep {
  enum class Kind { wait, poll, sweep, due, load, flushed };
  Kind kind = Kind::wait;
  std::chrono::nanoseconds wait_until{0};  // wait
  RowId after{};                           // poll, sweep
  RowId up_to{};                           // sweep
  std::vector<IdRange> gaps{};             // poll
  int rows_max = 0;                        // poll, sweep, due
  std::int64_t bytes_max = 0;              // poll, load
  std::vector<RowId> ids{};                // load
  bool nudge = false;                      // flushed
};

}  // namespace relay::core
