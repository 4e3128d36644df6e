// FindCoordinator (key 10), versions 0–4: who looks after a group. Always this broker. Several keys from v4 (KIP-699).
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

enum class CoordinatorType : std::int8_t { group = 0, transaction = 1 };

struct FindCoordinatorRequest {
  static constexpr ApiKey kKey = ApiKey::find_coordinator;
  std::string key{};                                  // until v3
  CoordinatorType key_type = CoordinatorType::group;  // v1
  std::vector<std::string> coordinator_keys{};        // v4
  bool operator==(const FindCoordinatorRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FindCoordinatorRequest>& m) {
  io.field(m.key, until(3));
  io.field(m.key_type, since(1));
  io.field(m.coordinator_keys, since(4));
}

struct Coordinator {
  std::string key{};
  std::int32_t node_id = -1;
  std::string host{};
  std::int32_t port = -1;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};
  bool operator==(const Coordinator&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, Coordinator>& m) {
  io.field(m.key);
  io.field(m.node_id);
  io.field(m.host);
  io.field(m.port);
  io.field(m.error_code);
  io.field(m.error_message);
}

struct FindCoordinatorResponse {
  static constexpr ApiKey kKey = ApiKey::find_coordinator;
  std::int32_t throttle_time_ms = 0;           // v1
  ErrorCode error_code = ErrorCode::none;      // until v3, as the four below
  std::optional<std::string> error_message{};  // v1–3
  std::int32_t node_id = -1;
  std::string host{};
  std::int32_t port = -1;
  std::vector<Coordinator> coordinators{};  // v4
  bool operator==(const FindCoordinatorResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, FindCoordinatorResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.error_code, until(3));
  io.field(m.error_message, between(1, 3));
  io.field(m.node_id, until(3));
  io.field(m.host, until(3));
  io.field(m.port, until(3));
  io.field(m.coordinators, since(4));
}

}  // namespace broker::protocol
