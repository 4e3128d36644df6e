// DescribeCluster (key 60), versions 0–1: brokers and controller, for administrators' clients. KIP-700, KIP-919.
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

struct DescribeClusterRequest {
  static constexpr ApiKey kKey = ApiKey::describe_cluster;
  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;  // v1; 1: brokers, 2: controllers
  bool operator==(const DescribeClusterRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeClusterRequest>& m) {
  io.field(m.include_cluster_authorized_operations);
  io.field(m.endpoint_type, since(1));
}

struct DescribeClusterBroker {
  std::int32_t broker_id = 0;
  std::string host{};
  std::int32_t port = 0;
  std::optional<std::string> rack{};
  bool operator==(const DescribeClusterBroker&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeClusterBroker>& m) {
  io.field(m.broker_id);
  io.field(m.host);
  io.field(m.port);
  io.field(m.rack);
}

struct DescribeClusterResponse {
  static constexpr ApiKey kKey = ApiKey::describe_cluster;
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};
  std::int8_t endpoint_type = 1;  // v1
  std::string cluster_id{};
  std::int32_t controller_id = -1;
  std::vector<DescribeClusterBroker> brokers{};
  std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();
  bool operator==(const DescribeClusterResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeClusterResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.error_code);
  io.field(m.error_message);
  io.field(m.endpoint_type, since(1));
  io.field(m.cluster_id);
  io.field(m.controller_id);
  io.field(m.brokers);
  io.field(m.cluster_authorized_operations);
}

}  // namespace broker::protocol
