// OffsetCommit (key 8), versions 2–8. OffsetFetch: offset_fetch.h; both: offsets.h.
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

struct OffsetCommitPartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = 0;
  std::int32_t committed_leader_epoch = -1;  // v6
  std::optional<std::string> committed_metadata{};
  bool operator==(const OffsetCommitPartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetCommitPartition>& m) {
  io.field(m.partition_index);
  io.field(m.committed_offset);
  io.field(m.committed_leader_epoch, since(6));
  io.field(m.committed_metadata);
}

struct OffsetCommitTopic {
  std::string name{};
  std::vector<OffsetCommitPartition> partitions{};
  bool operator==(const OffsetCommitTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetCommitTopic>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct OffsetCommitRequest {
  static constexpr ApiKey kKey = ApiKey::offset_commit;
  std::string group_id{};
  std::int32_t generation_id = -1;  // −1: not by a member
  std::string member_id{};
  std::optional<std::string> group_instance_id{};  // v7
  std::int64_t retention_time_ms = -1;             // v2–4; not heeded
  std::vector<OffsetCommitTopic> topics{};
  bool operator==(const OffsetCommitRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetCommitRequest>& m) {
  io.field(m.group_id);
  io.field(m.generation_id);
  io.field(m.member_id);
  io.field(m.group_instance_id, since(7));
  io.field(m.retention_time_ms, between(2, 4));
  io.field(m.topics);
}

struct OffsetCommitPartitionResponse {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const OffsetCommitPartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetCommitPartitionResponse>& m) {
  io.field(m.partition_index);
  io.field(m.error_code);
}

struct OffsetCommitTopicResponse {
  std::string name{};
  std::vector<OffsetCommitPartitionResponse> partitions{};
  bool operator==(const OffsetCommitTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetCommitTopicResponse>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct OffsetCommitResponse {
  static constexpr ApiKey kKey = ApiKey::offset_commit;
  std::int32_t throttle_time_ms = 0;  // v3
  std::vector<OffsetCommitTopicResponse> topics{};
  bool operator==(const OffsetCommitResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetCommitResponse>& m) {
  io.field(m.throttle_time_ms, since(3));
  io.field(m.topics);
}

}  // namespace broker::protocol
