// CreateTopics (key 19), versions 0–7. KIP-4, KIP-525 (the configuration in the answer), KIP-516 (topic ids).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/config_types.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct CreatableReplicaAssignment {
  std::int32_t partition_index = 0;
  std::vector<std::int32_t> broker_ids{};
  bool operator==(const CreatableReplicaAssignment&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatableReplicaAssignment>& m) {
  io.field(m.partition_index);
  io.field(m.broker_ids);
}

struct CreatableTopicConfig {
  std::string name{};
  std::optional<std::string> value{};
  bool operator==(const CreatableTopicConfig&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatableTopicConfig>& m) {
  io.field(m.name);
  io.field(m.value);
}

struct CreatableTopic {
  std::string name{};
  std::int32_t num_partitions = 0;      // −1: the broker's default, or by assignments
  std::int16_t replication_factor = 0;  // −1: the broker's default
  std::vector<CreatableReplicaAssignment> assignments{};
  std::vector<CreatableTopicConfig> configs{};
  bool operator==(const CreatableTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatableTopic>& m) {
  io.field(m.name);
  io.field(m.num_partitions);
  io.field(m.replication_factor);
  io.field(m.assignments);
  io.field(m.configs);
}

struct CreateTopicsRequest {
  static constexpr ApiKey kKey = ApiKey::create_topics;
  std::vector<CreatableTopic> topics{};
  std::int32_t timeout_ms = 60'000;
  bool validate_only = false;  // v1
  bool operator==(const CreateTopicsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreateTopicsRequest>& m) {
  io.field(m.topics);
  io.field(m.timeout_ms);
  io.field(m.validate_only, since(1));
}

struct CreatedTopicConfig {
  std::string name{};
  std::optional<std::string> value{};
  bool read_only = false;
  ConfigSource config_source = ConfigSource::absent;
  bool is_sensitive = false;
  bool operator==(const CreatedTopicConfig&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatedTopicConfig>& m) {
  io.field(m.name);
  io.field(m.value);
  io.field(m.read_only);
  io.field(m.config_source);
  io.field(m.is_sensitive);
}

struct CreatedTopic {
  std::string name{};
  Uuid topic_id{};  // v7
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};                // v1
  ErrorCode topic_config_error_code = ErrorCode::none;       // v5, tagged
  std::int32_t num_partitions = -1;                          // v5
  std::int16_t replication_factor = -1;                      // v5
  std::optional<std::vector<CreatedTopicConfig>> configs{};  // v5
  bool operator==(const CreatedTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreatedTopic>& m) {
  io.field(m.name);
  io.field(m.topic_id, since(7));
  io.field(m.error_code);
  io.field(m.error_message, since(1));
  io.field(m.num_partitions, since(5));
  io.field(m.replication_factor, since(5));
  io.field(m.configs, since(5));
  io.tagged(0, m.topic_config_error_code, since(5));
}

struct CreateTopicsResponse {
  static constexpr ApiKey kKey = ApiKey::create_topics;
  std::int32_t throttle_time_ms = 0;  // v2
  std::vector<CreatedTopic> topics{};
  bool operator==(const CreateTopicsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CreateTopicsResponse>& m) {
  io.field(m.throttle_time_ms, since(2));
  io.field(m.topics);
}

}  // namespace broker::protocol
