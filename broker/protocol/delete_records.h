// DeleteRecords (key 21), versions 0–2: moves the start of partitions' logs. KIP-107.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct DeleteRecordsPartition {
  std::int32_t partition_index = 0;
  std::int64_t offset = 0;  // −1: the high watermark
  bool operator==(const DeleteRecordsPartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteRecordsPartition>& m) {
  io.field(m.partition_index);
  io.field(m.offset);
}

struct DeleteRecordsTopic {
  std::string name{};
  std::vector<DeleteRecordsPartition> partitions{};
  bool operator==(const DeleteRecordsTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteRecordsTopic>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct DeleteRecordsRequest {
  static constexpr ApiKey kKey = ApiKey::delete_records;
  std::vector<DeleteRecordsTopic> topics{};
  std::int32_t timeout_ms = 0;
  bool operator==(const DeleteRecordsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteRecordsRequest>& m) {
  io.field(m.topics);
  io.field(m.timeout_ms);
}

struct DeleteRecordsPartitionResponse {
  std::int32_t partition_index = 0;
  std::int64_t low_watermark = -1;
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const DeleteRecordsPartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteRecordsPartitionResponse>& m) {
  io.field(m.partition_index);
  io.field(m.low_watermark);
  io.field(m.error_code);
}

struct DeleteRecordsTopicResponse {
  std::string name{};
  std::vector<DeleteRecordsPartitionResponse> partitions{};
  bool operator==(const DeleteRecordsTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteRecordsTopicResponse>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct DeleteRecordsResponse {
  static constexpr ApiKey kKey = ApiKey::delete_records;
  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteRecordsTopicResponse> topics{};
  bool operator==(const DeleteRecordsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteRecordsResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.topics);
}

}  // namespace broker::protocol
