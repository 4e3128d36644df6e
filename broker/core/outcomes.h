// What the core answers to handlers: domain outcomes, plain structs. An outcome's ticket is the frame of the journal
// that the answer has to wait for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/protocol/error_code.h"
#include "broker/storage/store.h"

namespace broker::core {

struct Topic;

// An error code and, where there is one to give, a sentence for people.
struct Refusal {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  std::string message;
  explicit operator bool() const { return error != protocol::ErrorCode::none; }
};

using TopicConfig = std::vector<std::pair<std::string, std::string>>;

struct TopicOutcome {
  Refusal refusal;
  Topic* topic = nullptr;
};

// One setting to be changed; no value: back to the default.
struct ConfigEdit {
  std::string name;
  std::optional<std::string> value;
};

struct DeleteOutcome {
  Refusal refusal;
  storage::Offset low_watermark{-1};
  std::int64_t records = 0;  // that were there before
  storage::Ticket ticket;
};

struct AppendOutcome {
  Refusal refusal;
  storage::Offset base{-1};
  std::int64_t log_append_time_ms = -1;
  storage::Offset log_start{-1};
  storage::Ticket ticket;
};

struct TimedOffset {
  storage::Offset offset;
  std::int64_t timestamp_ms = -1;
  std::int32_t leader_epoch = -1;
};

struct ProducerIdOutcome {
  storage::ProducerId id;
  storage::Ticket ticket;
};

struct OffsetToCommit {
  storage::PartitionRef partition;
  storage::Offset offset;
  std::int32_t leader_epoch = -1;
  std::string metadata;
};

}  // namespace broker::core
