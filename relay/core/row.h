// A row of message_record as the relay holds it, and the small types that name it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/strong.h"

namespace relay::core {

using RowId = common::Strong<struct RowIdTag, std::int64_t>;
// The lease's fencing number: one more at every take-over.
using Epoch = common::Strong<struct EpochTag, std::int64_t>;

// What is known of a row without its body: enough to decide whether it may go out. Times are distances on the
// database's clock at the statement that read it, so nothing here depends on this machine's clock.
struct Headline {
  RowId id;
  std::string topic;
  std::optional<std::string> key;
  bool dead = false;  // status 2; otherwise status 0
  bool confirmed = true;
  std::chrono::microseconds due_in{0};      // until next_attempt_at (confirmed) or the next check-back; 0 or less: now
  std::chrono::microseconds created_at{0};  // since 1970; 0: not known. For the oldest waiting row's metric
};

// A status-0 row, whole.
struct Row {
  RowId id;
  std::string topic;
  std::optional<std::string> key;                            // none: no order
  std::optional<std::string> body;                           // none: a tombstone
  std::vector<std::pair<std::string, std::string>> headers;  // the row's own; the outbox-… ones are added at publishing
  // Why this row can never be published as it stands (headers that are no object of strings, a byte that does not
  // convert, an infinite created_at): names the column. Such a row is dead at its first attempt.
  std::optional<std::string> defect;
  bool confirmed = true;
  std::optional<std::string> msg_log_id;
  std::optional<std::string> msg_log_url;
  int attempts = 0;
  int checks = 0;
  int unknown_checks = 0;
  int redrives = 0;
  std::chrono::microseconds created_at{0};          // since 1970, may be negative
  std::chrono::microseconds age{0};                 // database's now − created_at
  std::chrono::microseconds since_first_check{-1};  // database's now − first_check_at; negative: never asked
  std::chrono::microseconds due_in{0};              // as in Headline

  // What the in_flight_bytes cap counts.
  [[nodiscard]] std::size_t bytes() const;
};

}  // namespace relay::core
