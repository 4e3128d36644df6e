// DeleteGroups (key 42), versions 0–2, and OffsetDelete (key 47), version 0: what releases retained records. KIP-229,
// KIP-496.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct DeleteGroupsRequest {
  static constexpr ApiKey kKey = ApiKey::delete_groups;
  std::vector<std::string> groups_names{};
  bool operator==(const DeleteGroupsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteGroupsRequest>& m) {
  io.field(m.groups_names);
}

struct DeletedGroup {
  std::string group_id{};
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const DeletedGroup&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeletedGroup>& m) {
  io.field(m.group_id);
  io.field(m.error_code);
}

struct DeleteGroupsResponse {
  static constexpr ApiKey kKey = ApiKey::delete_groups;
  std::int32_t throttle_time_ms = 0;
  std::vector<DeletedGroup> results{};
  bool operator==(const DeleteGroupsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteGroupsResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.results);
}

struct OffsetDeletePartition {
  std::int32_t partition_index = 0;
  bool operator==(const OffsetDeletePartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetDeletePartition>& m) {
  io.field(m.partition_index);
}

struct OffsetDeleteTopic {
  std::string name{};
  std::vector<OffsetDeletePartition> partitions{};
  bool operator==(const OffsetDeleteTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetDeleteTopic>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct OffsetDeleteRequest {
  static constexpr ApiKey kKey = ApiKey::offset_delete;
  std::string group_id{};
  std::vector<OffsetDeleteTopic> topics{};
  bool operator==(const OffsetDeleteRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetDeleteRequest>& m) {
  io.field(m.group_id);
  io.field(m.topics);
}

struct OffsetDeletePartitionResponse {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const OffsetDeletePartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetDeletePartitionResponse>& m) {
  io.field(m.partition_index);
  io.field(m.error_code);
}

struct OffsetDeleteTopicResponse {
  std::string name{};
  std::vector<OffsetDeletePartitionResponse> partitions{};
  bool operator==(const OffsetDeleteTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetDeleteTopicResponse>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct OffsetDeleteResponse {
  static constexpr ApiKey kKey = ApiKey::offset_delete;
  ErrorCode error_code = ErrorCode::none;
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetDeleteTopicResponse> topics{};
  bool operator==(const OffsetDeleteResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetDeleteResponse>& m) {
  io.field(m.error_code);
  io.field(m.throttle_time_ms);
  io.field(m.topics);
}

}  // namespace broker::protocol
