// OffsetForLeaderEpoch (key 23), versions 2–4: where a leader epoch ended, so that a consumer sees a cut log.
// KIP-320.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct OffsetForLeaderPartition {
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t leader_epoch = 0;
  bool operator==(const OffsetForLeaderPartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetForLeaderPartition>& m) {
  io.field(m.partition);
  io.field(m.current_leader_epoch);
  io.field(m.leader_epoch);
}

struct OffsetForLeaderTopic {
  std::string topic{};
  std::vector<OffsetForLeaderPartition> partitions{};
  bool operator==(const OffsetForLeaderTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetForLeaderTopic>& m) {
  io.field(m.topic);
  io.field(m.partitions);
}

struct OffsetForLeaderEpochRequest {
  static constexpr ApiKey kKey = ApiKey::offset_for_leader_epoch;
  std::int32_t replica_id = -2;  // v3
  std::vector<OffsetForLeaderTopic> topics{};
  bool operator==(const OffsetForLeaderEpochRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetForLeaderEpochRequest>& m) {
  io.field(m.replica_id, since(3));
  io.field(m.topics);
}

struct EpochEndOffset {
  ErrorCode error_code = ErrorCode::none;
  std::int32_t partition = 0;
  std::int32_t leader_epoch = -1;
  std::int64_t end_offset = -1;
  bool operator==(const EpochEndOffset&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, EpochEndOffset>& m) {
  io.field(m.error_code);
  io.field(m.partition);
  io.field(m.leader_epoch);
  io.field(m.end_offset);
}

struct OffsetForLeaderTopicResponse {
  std::string topic{};
  std::vector<EpochEndOffset> partitions{};
  bool operator==(const OffsetForLeaderTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetForLeaderTopicResponse>& m) {
  io.field(m.topic);
  io.field(m.partitions);
}

struct OffsetForLeaderEpochResponse {
  static constexpr ApiKey kKey = ApiKey::offset_for_leader_epoch;
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetForLeaderTopicResponse> topics{};
  bool operator==(const OffsetForLeaderEpochResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, OffsetForLeaderEpochResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.topics);
}

}  // namespace broker::protocol
