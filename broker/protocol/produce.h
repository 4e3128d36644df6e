// Produce (key 0), versions 0–11. Records are views into the frame; record_batch.h validates them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/leader.h"

namespace broker::protocol {

struct ProducePartition {
  std::int32_t index = 0;
  std::optional<BytesView> records{};
  bool operator==(const ProducePartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProducePartition>& m) {
  io.field(m.index);
  io.field(m.records);
}

struct ProduceTopic {
  std::string name{};
  std::vector<ProducePartition> partitions{};
  bool operator==(const ProduceTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProduceTopic>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct ProduceRequest {
  static constexpr ApiKey kKey = ApiKey::produce;
  std::optional<std::string> transactional_id{};  // v3
  std::int16_t acks = 0;                          // −1: all
  std::int32_t timeout_ms = 0;
  std::vector<ProduceTopic> topics{};
  bool operator==(const ProduceRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProduceRequest>& m) {
  io.field(m.transactional_id, since(3));
  io.field(m.acks);
  io.field(m.timeout_ms);
  io.field(m.topics);
}

struct ProduceRecordError {
  std::int32_t batch_index = 0;
  std::optional<std::string> message{};
  bool operator==(const ProduceRecordError&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProduceRecordError>& m) {
  io.field(m.batch_index);
  io.field(m.message);
}

struct ProducePartitionResponse {
  std::int32_t index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t base_offset = -1;
  std::int64_t log_append_time_ms = -1;             // v2
  std::int64_t log_start_offset = -1;               // v5
  std::vector<ProduceRecordError> record_errors{};  // v8
  std::optional<std::string> error_message{};       // v8
  std::optional<CurrentLeader> current_leader{};    // v10, tagged
  bool operator==(const ProducePartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProducePartitionResponse>& m) {
  io.field(m.index);
  io.field(m.error_code);
  io.field(m.base_offset);
  io.field(m.log_append_time_ms, since(2));
  io.field(m.log_start_offset, since(5));
  io.field(m.record_errors, since(8));
  io.field(m.error_message, since(8));
  io.tagged(0, m.current_leader, since(10));
}

struct ProduceTopicResponse {
  std::string name{};
  std::vector<ProducePartitionResponse> partitions{};
  bool operator==(const ProduceTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProduceTopicResponse>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct ProduceResponse {
  static constexpr ApiKey kKey = ApiKey::produce;
  std::vector<ProduceTopicResponse> topics{};
  std::int32_t throttle_time_ms = 0;           // v1
  std::vector<NodeEndpoint> node_endpoints{};  // v10, tagged
  bool operator==(const ProduceResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ProduceResponse>& m) {
  io.field(m.topics);
  io.field(m.throttle_time_ms, since(1));
  io.tagged(0, m.node_endpoints, since(10));
}

}  // namespace broker::protocol
