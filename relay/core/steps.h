// What Pipeline tells its shell to do next, and what the shell reports. Plain values, so that the calls need no lock.
#pragma once

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "relay/core/in_flight.h"
#include "relay/core/key_hash.h"
#include "relay/core/outbox_store.h"
#include "relay/core/publisher.h"

namespace relay::core {

using Nanoseconds = std::chrono::nanoseconds;

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

struct SinkStep {
  enum class Kind { wait, cut, rebuild, feed };
  Kind kind = Kind::wait;
  Nanoseconds wait_until{0};     // wait; an event may come earlier
  Epoch epoch{};                 // rebuild
  std::vector<Flight*> batch{};  // feed: in this order; they stay until fed() reports on them
};

// What became of a feed's batch, apart from what the publisher accepted.
struct FeedReport {
  std::vector<std::pair<Flight*, PublishOutcome>> refused;  // known to be unacceptable: never handed over
  std::vector<Flight*> returned;                            // the publisher was full or down, or behind one not taken
  std::vector<Flight*> busy{};                              // their partitions take nothing now
  bool full = false;
  bool down = false;  // the producer died under it
};

struct MarkWork {
  Epoch epoch;
  MarkBatch batch{};
};

// Deviations for tests of the tests: each must turn the checker red.
struct Sabotage {
  bool mark_before_ack = false;
  bool ignore_held_keys = false;
  bool cursor_only = false;
};

enum class TurnKind { none, poll, sweep, due };

// Statements of the poll thread whose answers are judged together; ended by a poll wherever rows may come of it.
struct Turn {
  TurnKind kind = TurnKind::none;
  ReadStep::Kind next = ReadStep::Kind::wait;
  bool stale = false;  // the world was rebuilt meanwhile: the answers say nothing
  Nanoseconds begun{0};
  RowId up_to;  // sweep: the watermark at its page
  bool last_page = false;
  RowId passed;  // rows at or below it are not met again by the pass
  std::vector<Headline> page;
  std::vector<RowId> ids;
  RowId loaded_up_to;     // ids above it were asked for in vain, for want of room
  std::vector<Row> rows;  // loaded
};
// What a sweep's turn judges, in id order: the page's rows and those its poll could not let pass.
struct SweepItem {
  RowId id;
  KeyHash key = kNoKey;
  enum class Kind : std::uint8_t { headline, row, blocker } kind = Kind::headline;
  std::size_t index = 0;
};

}  // namespace relay::core
