// Fetch (key 1), versions 4–16: response. Records are views of what the store read; keep that until it is encoded, or,
// after encode_borrowing, sent.
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

struct AbortedTransaction {
  std::int64_t producer_id = 0;
  std::int64_t first_offset = 0;
  bool operator==(const AbortedTransaction&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, AbortedTransaction>& m) {
  io.field(m.producer_id);
  io.field(m.first_offset);
}

struct DivergingEpoch {
  std::int32_t epoch = -1;
  std::int64_t end_offset = -1;
  bool operator==(const DivergingEpoch&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DivergingEpoch>& m) {
  io.field(m.epoch);
  io.field(m.end_offset);
}

struct FetchPartitionResponse {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t high_watermark = -1;
  std::int64_t last_stable_offset = -1;                                   // v4
  std::int64_t log_start_offset = -1;                                     // v5
  std::optional<std::vector<AbortedTransaction>> aborted_transactions{};  // v4
  std::int32_t preferred_read_replica = -1;                               // v11
  std::optional<BytesView> records{};                                     // null and empty both mean none
  std::optional<DivergingEpoch> diverging_epoch{};                        // v12, tagged
  std::optional<CurrentLeader> current_leader{};                          // v12, tagged
  bool operator==(const FetchPartitionResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FetchPartitionResponse>& m) {
  io.field(m.partition_index);
  io.field(m.error_code);
  io.field(m.high_watermark);
  io.field(m.last_stable_offset, since(4));
  io.field(m.log_start_offset, since(5));
  io.field(m.aborted_transactions, since(4));
  io.field(m.preferred_read_replica, since(11));
  io.field(m.records);
  io.tagged(0, m.diverging_epoch, since(12));
  io.tagged(1, m.current_leader, since(12));
}

struct FetchTopicResponse {
  std::string topic{};  // until v12
  Uuid topic_id{};      // v13
  std::vector<FetchPartitionResponse> partitions{};
  bool operator==(const FetchTopicResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FetchTopicResponse>& m) {
  io.field(m.topic, until(12));
  io.field(m.topic_id, since(13));
  io.field(m.partitions);
}

struct FetchResponse {
  static constexpr ApiKey kKey = ApiKey::fetch;
  std::int32_t throttle_time_ms = 0;       // v1
  ErrorCode error_code = ErrorCode::none;  // v7
  std::int32_t session_id = 0;             // v7; 0: no session, always
  std::vector<FetchTopicResponse> topics{};
  std::vector<NodeEndpoint> node_endpoints{};  // v16, tagged
  bool operator==(const FetchResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FetchResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.error_code, since(7));
  io.field(m.session_id, since(7));
  io.field(m.topics);
  io.tagged(0, m.node_endpoints, since(16));
}

}  // namespace broker::protocol
