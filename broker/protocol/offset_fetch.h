// OffsetFetch (key 9), versions 1–8. Until v7 one group in the fields of the message itself, from v8 several in
// `groups` (KIP-709). requireStable from v7 (KIP-447).
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

struct OffsetFetchTopic {
  std::string name{};
  std::vector<std::int32_t> partition_indexes{};
  bool operator==(const OffsetFetchTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchTopic>& m) {
  io.field(m.name);
  io.field(m.partition_indexes);
}

struct OffsetFetchGroup {
  std::string group_id{};
  std::optional<std::vector<OffsetFetchTopic>> topics{};  // null: all that the group committed
  bool operator==(const OffsetFetchGroup&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchGroup>& m) {
  io.field(m.group_id);
  io.field(m.topics);
}

struct OffsetFetchRequest {
  static constexpr ApiKey kKey = ApiKey::offset_fetch;
  std::string group_id{};                                 // until v7
  std::optional<std::vector<OffsetFetchTopic>> topics{};  // until v7; null (v2): all that the group committed
  std::vector<OffsetFetchGroup> groups{};                 // v8
  bool require_stable = false;                            // v7
  bool operator==(const OffsetFetchRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchRequest>& m) {
  io.field(m.group_id, until(7));
  io.field(m.topics, until(7).null_since(2));
  io.field(m.groups, since(8));
  io.field(m.require_stable, since(7));
}

struct OffsetFetchPartitionResponse {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = -1;        // −1: none
  std::int32_t committed_leader_epoch = -1;  // v5
  std::optional<std::string> metadata{};
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const OffsetFetchPartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchPartitionResponse>& m) {
  io.field(m.partition_index);
  io.field(m.committed_offset);
  io.field(m.committed_leader_epoch, since(5));
  io.field(m.metadata);
  io.field(m.error_code);
}

struct OffsetFetchTopicResponse {
  std::string name{};
  std::vector<OffsetFetchPartitionResponse> partitions{};
  bool operator==(const OffsetFetchTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchTopicResponse>& m) {
  io.field(m.name);
  io.field(m.partitions);
}

struct OffsetFetchGroupResponse {
  std::string group_id{};
  std::vector<OffsetFetchTopicResponse> topics{};
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const OffsetFetchGroupResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchGroupResponse>& m) {
  io.field(m.group_id);
  io.field(m.topics);
  io.field(m.error_code);
}

struct OffsetFetchResponse {
  static constexpr ApiKey kKey = ApiKey::offset_fetch;
  std::int32_t throttle_time_ms = 0;               // v3
  std::vector<OffsetFetchTopicResponse> topics{};  // until v7
  ErrorCode error_code = ErrorCode::none;          // v2–7
  std::vector<OffsetFetchGroupResponse> groups{};  // v8
  bool operator==(const OffsetFetchResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetFetchResponse>& m) {
  io.field(m.throttle_time_ms, since(3));
  io.field(m.topics, until(7));
  io.field(m.error_code, between(2, 7));
  io.field(m.groups, since(8));
}

}  // namespace broker::protocol
