// ListOffsets (key 2), versions 1–7: an offset by time. Timestamps −1 latest, −2 earliest, −3 largest timestamp (v7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

inline constexpr std::int64_t kLatestTimestamp = -1;
inline constexpr std::int64_t kEarliestTimestamp = -2;
inline constexpr std::int64_t kMaxTimestamp = -3;  // v7

struct ListOffsetsPartition {
  std::int32_t partition_index = 0;
  std::int32_t current_leader_epoch = -1;  // v4
  std::int64_t timestamp_ms = 0;
  bool operator==(const ListOffsetsPartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListOffsetsPartition>& m) {
  io.field(m.partition_index);
  io.field(m.current_leader_epoch, since(4));
  io.field(m.timestamp_ms);
}

struct ListOffsetsTopic {
  std::string name{};
  std::vector<ListOffsetsPartition> partitions{};
  bool operator==(const ListOffsetsTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListOffsetsTopic>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct ListOffsetsRequest {
  static constexpr ApiKey kKey = ApiKey::list_offsets;
  std::int32_t replica_id = -1;
  std::int8_t isolation_level = 0;  // v2
  std::vector<ListOffsetsTopic> topics{};
  bool operator==(const ListOffsetsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListOffsetsRequest>& m) {
  io.field(m.replica_id);
  io.field(m.isolation_level, since(2));
  io.field(m.topics);
}

struct ListOffsetsPartitionResponse {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t timestamp_ms = -1;
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;  // v4
  bool operator==(const ListOffsetsPartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListOffsetsPartitionResponse>& m) {
  io.field(m.partition_index);
  io.field(m.error_code);
  io.field(m.timestamp_ms);
  io.field(m.offset);
  io.field(m.leader_epoch, since(4));
}

struct ListOffsetsTopicResponse {
  std::string name{};
  std::vector<ListOffsetsPartitionResponse> partitions{};
  bool operator==(const ListOffsetsTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListOffsetsTopicResponse>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct ListOffsetsResponse {
  static constexpr ApiKey kKey = ApiKey::list_offsets;
  std::int32_t throttle_time_ms = 0;  // v2
  std::vector<ListOffsetsTopicResponse> topics{};
  bool operator==(const ListOffsetsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListOffsetsResponse>& m) {
  io.field(m.throttle_time_ms, since(2));
  io.field(m.topics);
}

}  // namespace broker::protocol
