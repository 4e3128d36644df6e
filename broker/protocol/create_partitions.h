// CreatePartitions (key 37), versions 0–3: more partitions for a topic. KIP-195.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct CreatePartitionsAssignment {
  std::vector<std::int32_t> broker_ids{};
  bool operator==(const CreatePartitionsAssignment&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatePartitionsAssignment>& m) {
  io.field(m.broker_ids);
}

struct CreatePartitionsTopic {
  std::string name{};
  std::int32_t count = 0;  // the new total
  std::optional<std::vector<CreatePartitionsAssignment>> assignments{};
  bool operator==(const CreatePartitionsTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatePartitionsTopic>& m) {
  io.field(m.name);
  io.field(m.count);
  io.field(m.assignments);
}

struct CreatePartitionsRequest {
  static constexpr ApiKey kKey = ApiKey::create_partitions;
  std::vector<CreatePartitionsTopic> topics{};
  std::int32_t timeout_ms = 0;
  bool validate_only = false;
  bool operator==(const CreatePartitionsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatePartitionsRequest>& m) {
  io.field(m.topics);
  io.field(m.timeout_ms);
  io.field(m.validate_only);
}

struct CreatePartitionsResult {
  std::string name{};
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};
  bool operator==(const CreatePartitionsResult&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatePartitionsResult>& m) {
  io.field(m.name);
  io.field(m.error_code);
  io.field(m.error_message);
}

struct CreatePartitionsResponse {
  static constexpr ApiKey kKey = ApiKey::create_partitions;
  std::int32_t throttle_time_ms = 0;
  std::vector<CreatePartitionsResult> results{};
  bool operator==(const CreatePartitionsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatePartitionsResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.results);
}

}  // namespace broker::protocol
