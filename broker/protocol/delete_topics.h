// DeleteTopics (key 20), versions 0–6: by name, from v6 also by id (KIP-516).
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

struct DeleteTopicState {
  std::optional<std::string> name{};  // null: by id
  Uuid topic_id{};
  bool operator==(const DeleteTopicState&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteTopicState>& m) {
  io.field(m.name);
  io.field(m.topic_id);
}

struct DeleteTopicsRequest {
  static constexpr ApiKey kKey = ApiKey::delete_topics;
  std::vector<DeleteTopicState> topics{};  // v6
  std::vector<std::string> topic_names{};  // until v5
  std::int32_t timeout_ms = 0;
  bool operator==(const DeleteTopicsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteTopicsRequest>& m) {
  io.field(m.topics, since(6));
  io.field(m.topic_names, until(5));
  io.field(m.timeout_ms);
}

struct DeletedTopic {
  std::optional<std::string> name{};  // null from v6: an unknown id
  Uuid topic_id{};                    // v6
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};  // v5
  bool operator==(const DeletedTopic&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeletedTopic>& m) {
  io.field(m.name, null_since(6));
  io.field(m.topic_id, since(6));
  io.field(m.error_code);
  io.field(m.error_message, since(5));
}

struct DeleteTopicsResponse {
  static constexpr ApiKey kKey = ApiKey::delete_topics;
  std::int32_t throttle_time_ms = 0;  // v1
  std::vector<DeletedTopic> topics{};
  bool operator==(const DeleteTopicsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DeleteTopicsResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.topics);
}

}  // namespace broker::protocol
