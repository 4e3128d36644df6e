// Fetch (key 1), versions 4–16: request. Sessions are declined, so every request names all it wants. KIP-74, KIP-227.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/leader.h"

namespace broker::protocol {

struct FetchPartition {
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;  // v9
  std::int64_t fetch_offset = 0;
  std::int32_t last_fetched_epoch = -1;  // v12
  std::int64_t log_start_offset = -1;    // v5, followers only
  std::int32_t partition_max_bytes = 0;
  bool operator==(const FetchPartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FetchPartition>& m) {
  io.field(m.partition);
  io.field(m.current_leader_epoch, since(9));
  io.field(m.fetch_offset);
  io.field(m.last_fetched_epoch, since(12));
  io.field(m.log_start_offset, since(5));
  io.field(m.partition_max_bytes);
}

struct FetchTopic {
  std::string topic{};  // until v12
  Uuid topic_id{};      // v13
  std::vector<FetchPartition> partitions{};
  bool operator==(const FetchTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FetchTopic>& m) {
  io.field(m.topic, until(12));
  io.field(m.topic_id, since(13));
  io.field(m.partitions);
}

struct ForgottenTopic {
  std::string topic{};  // until v12
  Uuid topic_id{};      // v13
  std::vector<std::int32_t> partitions{};
  bool operator==(const ForgottenTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ForgottenTopic>& m) {
  io.field(m.topic, until(12));
  io.field(m.topic_id, since(13));
  io.field(m.partitions);
}

struct ReplicaState {
  std::int32_t replica_id = -1;
  std::int64_t replica_epoch = -1;
  bool operator==(const ReplicaState&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ReplicaState>& m) {
  io.field(m.replica_id);
  io.field(m.replica_epoch);
}

struct FetchRequest {
  static constexpr ApiKey kKey = ApiKey::fetch;
  std::int32_t replica_id = -1;  // until v14; ≥ 0: a follower, which we decline
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();  // v3
  std::int8_t isolation_level = 0;                                    // v4
  std::int32_t session_id = 0;                                        // v7; not 0: error 70
  std::int32_t session_epoch = -1;                                    // v7
  std::vector<FetchTopic> topics{};
  std::vector<ForgottenTopic> forgotten_topics{};  // v7
  std::string rack_id{};                           // v11
  std::optional<std::string> cluster_id{};         // v12, tagged
  ReplicaState replica_state{};                    // v15, tagged
  bool operator==(const FetchRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FetchRequest>& m) {
  io.field(m.replica_id, until(14));
  io.field(m.max_wait_ms);
  io.field(m.min_bytes);
  io.field(m.max_bytes, since(3));
  io.field(m.isolation_level, since(4));
  io.field(m.session_id, since(7));
  io.field(m.session_epoch, since(7));
  io.field(m.topics);
  io.field(m.forgotten_topics, since(7));
  io.field(m.rack_id, since(11));
  io.tagged(0, m.cluster_id, since(12));
  io.tagged(1, m.replica_state, since(15));
}

}  // namespace broker::protocol

#include "broker/protocol/fetch_response.h"  // IWYU pragma: export
