// The seam to the sink: records in, outcomes out. Implemented by relay/kafka on librdkafka, by a simulation in tests.
//
// Order is the publisher's promise: records of one partition reach the log in the order they were given, and when one
// is refused nothing behind it on that producer is published (enable.gapless.guarantee); the producer is then dead
// until rebuild(). The single() lane is separate: one record in flight, for what was refused in a batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/core/row.h"

namespace relay::core {

// How far a failure reaches; who is to blame decides who waits.
enum class Scope {
  none,       // it was delivered
  sink,       // unreachable, silent, full, not authorised: the breaker, no row's attempts
  topic,      // cannot be created, not authorised
  partition,  // no leader
  row,        // refused for what it is
  cut,        // purged by us or swept along by another's refusal: outcome unknown, says nothing about the row
};

struct PublishOutcome {
  RowId id;
  Scope scope = Scope::none;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
  bool maybe_stored = false;  // not delivered, but the sink may have it (only ever a duplicate, never a loss)
  bool permanent = false;     // no waiting can mend it
  std::string error_class{};  // short constant, for alerts and metrics: "message_too_large", "topic_authorization"
  std::string message{};      // readable, for fail_msg; empty when delivered
};

enum class Lane {
  main,    // pipelined, batched
  single,  // alone: one record in flight in the whole lane
};

enum class Enqueued {
  accepted,  // exactly one PublishOutcome will follow
  full,      // the lane cannot take more now: try after the next outcome
  busy,      // its partition is silent and has its share: this row waits, and the later ones of its key; others may go
  down,      // the producer is dead or was cut: rebuild() first
};

struct SinkState {
  bool up = false;     // a broker connection is up
  bool fatal = false;  // the main producer raised a fatal error: cut and rebuild
  std::string reason;  // the last error, readable, without secrets
};

// Thread-safe. Nothing here blocks for longer than a few milliseconds, except rebuild() (up to a second).
class Publisher {
 public:
  using OutcomeHandler = std::function<void(std::vector<PublishOutcome>)>;
  virtual ~Publisher() = default;

  // Called on a thread of the publisher's, in the order of acknowledgement. Set once, before the first enqueue.
  virtual void on_outcomes(OutcomeHandler handler) = 0;
  // The row must stay alive and unchanged until its outcome: its body is not copied.
  virtual Enqueued enqueue(const Row& row, Lane lane) = 0;
  // Why this row cannot be accepted by the sink as it stands (topic's name, headers, size against the topic's
  // max.message.bytes as last known): asked before enqueue, answers from memory. None: nothing known against it.
  [[nodiscard]] virtual std::optional<PublishOutcome> refuse(const Row& row) = 0;
  // Purges queue and flight of both lanes as one; every outstanding record gets an outcome with Scope::cut before this
  // returns. Afterwards enqueue answers `down`.
  virtual void cut() = 0;
  // New producers, with the lease's epoch in their client.id. Only after cut(), or at the start.
  virtual void rebuild(Epoch epoch) = 0;
  [[nodiscard]] virtual SinkState state() const = 0;
};

}  // namespace relay::core
