// Metadata (key 3), versions 0–12: brokers, topics, partitions, leaders. Topic ids from v10.
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

namespace broker::protocol {

struct MetadataRequestTopic {
  Uuid topic_id{};                    // v10
  std::optional<std::string> name{};  // null from v10: asked by id
  bool operator==(const MetadataRequestTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, MetadataRequestTopic>& m) {
  io.field(m.topic_id, since(10));
  io.field(m.name, null_since(10));
}

struct MetadataRequest {
  static constexpr ApiKey kKey = ApiKey::metadata;
  std::optional<std::vector<MetadataRequestTopic>> topics{};  // null: all topics; v0 says it with an empty array
  bool allow_auto_topic_creation = true;                      // v4
  bool include_cluster_authorized_operations = false;         // v8–10
  bool include_topic_authorized_operations = false;           // v8
  bool operator==(const MetadataRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, MetadataRequest>& m) {
  io.field(m.topics, null_since(1));
  io.field(m.allow_auto_topic_creation, since(4));
  io.field(m.include_cluster_authorized_operations, between(8, 10));
  io.field(m.include_topic_authorized_operations, since(8));
}

struct MetadataBroker {
  std::int32_t node_id = 0;
  std::string host{};
  std::int32_t port = 0;
  std::optional<std::string> rack{};  // v1
  bool operator==(const MetadataBroker&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, MetadataBroker>& m) {
  io.field(m.node_id);
  io.field(m.host);
  io.field(m.port);
  io.field(m.rack, since(1));
}

struct MetadataPartition {
  ErrorCode error_code = ErrorCode::none;
  std::int32_t partition_index = 0;
  std::int32_t leader_id = 0;
  std::int32_t leader_epoch = -1;  // v7
  std::vector<std::int32_t> replica_nodes{};
  std::vector<std::int32_t> isr_nodes{};
  std::vector<std::int32_t> offline_replicas{};  // v5
  bool operator==(const MetadataPartition&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, MetadataPartition>& m) {
  io.field(m.error_code);
  io.field(m.partition_index);
  io.field(m.leader_id);
  io.field(m.leader_epoch, since(7));
  io.field(m.replica_nodes);
  io.field(m.isr_nodes);
  io.field(m.offline_replicas, since(5));
}

struct MetadataTopic {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> name{};  // null from v12: an unknown id
  Uuid topic_id{};                    // v10
  bool is_internal = false;           // v1
  std::vector<MetadataPartition> partitions{};
  std::int32_t topic_authorized_operations = std::numeric_limits<std::int32_t>::min();  // v8
  bool operator==(const MetadataTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, MetadataTopic>& m) {
  io.field(m.error_code);
  io.field(m.name, null_since(12));
  io.field(m.topic_id, since(10));
  io.field(m.is_internal, since(1));
  io.field(m.partitions);
  io.field(m.topic_authorized_operations, since(8));
}

struct MetadataResponse {
  static constexpr ApiKey kKey = ApiKey::metadata;
  std::int32_t throttle_time_ms = 0;  // v3
  std::vector<MetadataBroker> brokers{};
  std::optional<std::string> cluster_id{};  // v2
  std::int32_t controller_id = -1;          // v1
  std::vector<MetadataTopic> topics{};
  std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();  // v8–10
  bool operator==(const MetadataResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, MetadataResponse>& m) {
  io.field(m.throttle_time_ms, since(3));
  io.field(m.brokers);
  io.field(m.cluster_id, since(2));
  io.field(m.controller_id, since(1));
  io.field(m.topics);
  io.field(m.cluster_authorized_operations, between(8, 10));
}

}  // namespace broker::protocol
