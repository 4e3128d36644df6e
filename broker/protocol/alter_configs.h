// AlterConfigs (key 33), versions 0–2, and IncrementalAlterConfigs (key 44), versions 0–1. KIP-133, KIP-339.
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

struct AlterableConfig {
  std::string name{};
  std::optional<std::string> value{};
  bool operator==(const AlterableConfig&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, AlterableConfig>& m) {
  io.field(m.name);
  io.field(m.value);
}

struct AlterConfigsResource {
  ConfigResource resource_type = ConfigResource::unknown;
  std::string resource_name{};
  std::vector<AlterableConfig> configs{};  // all that is to be set: what is not named returns to its default
  bool operator==(const AlterConfigsResource&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, AlterConfigsResource>& m) {
  io.field(m.resource_type);
  io.field(m.resource_name);
  io.field(m.configs);
}

struct AlterConfigsRequest {
  static constexpr ApiKey kKey = ApiKey::alter_configs;
  std::vector<AlterConfigsResource> resources{};
  bool validate_only = false;
  bool operator==(const AlterConfigsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, AlterConfigsRequest>& m) {
  io.field(m.resources);
  io.field(m.validate_only);
}

struct AlterConfigsResult {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};
  ConfigResource resource_type = ConfigResource::unknown;
  std::string resource_name{};
  bool operator==(const AlterConfigsResult&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, AlterConfigsResult>& m) {
  io.field(m.error_code);
  io.field(m.error_message);
  io.field(m.resource_type);
  io.field(m.resource_name);
}

struct AlterConfigsResponse {
  static constexpr ApiKey kKey = ApiKey::alter_configs;
  std::int32_t throttle_time_ms = 0;
  std::vector<AlterConfigsResult> responses{};
  bool operator==(const AlterConfigsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, AlterConfigsResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.responses);
}

struct IncrementalConfig {
  std::string name{};
  ConfigOperation operation = ConfigOperation::set;
  std::optional<std::string> value{};
  bool operator==(const IncrementalConfig&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, IncrementalConfig>& m) {
  io.field(m.name);
  io.field(m.operation);
  io.field(m.value);
}

struct IncrementalAlterConfigsResource {
  ConfigResource resource_type = ConfigResource::unknown;
  std::string resource_name{};
  std::vector<IncrementalConfig> configs{};
  bool operator==(const IncrementalAlterConfigsResource&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, IncrementalAlterConfigsResource>& m) {
  io.field(m.resource_type);
  io.field(m.resource_name);
  io.field(m.configs);
}

struct IncrementalAlterConfigsRequest {
  static constexpr ApiKey kKey = ApiKey::incremental_alter_configs;
  std::vector<IncrementalAlterConfigsResource> resources{};
  bool validate_only = false;
  bool operator==(const IncrementalAlterConfigsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, IncrementalAlterConfigsRequest>& m) {
  io.field(m.resources);
  io.field(m.validate_only);
}

struct IncrementalAlterConfigsResponse {
  static constexpr ApiKey kKey = ApiKey::incremental_alter_configs;
  std::int32_t throttle_time_ms = 0;
  std::vector<AlterConfigsResult> responses{};
  bool operator==(const IncrementalAlterConfigsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, IncrementalAlterConfigsResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.responses);
}

}  // namespace broker::protocol
