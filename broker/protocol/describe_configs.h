// DescribeConfigs (key 32), versions 0–4: settings of topics and of the broker. All such APIs: configs.h.
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

struct DescribeConfigsResource {
  ConfigResource resource_type = ConfigResource::unknown;
  std::string resource_name{};
  std::optional<std::vector<std::string>> configuration_keys{};  // null: all
  bool operator==(const DescribeConfigsResource&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeConfigsResource>& m) {
  io.field(m.resource_type);
  io.field(m.resource_name);
  io.field(m.configuration_keys);
}

struct DescribeConfigsRequest {
  static constexpr ApiKey kKey = ApiKey::describe_configs;
  std::vector<DescribeConfigsResource> resources{};
  bool include_synonyms = false;       // v1
  bool include_documentation = false;  // v3
  bool operator==(const DescribeConfigsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeConfigsRequest>& m) {
  io.field(m.resources);
  io.field(m.include_synonyms, since(1));
  io.field(m.include_documentation, since(3));
}

struct ConfigSynonym {
  std::string name{};
  std::optional<std::string> value{};
  ConfigSource source = ConfigSource::unknown;
  bool operator==(const ConfigSynonym&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ConfigSynonym>& m) {
  io.field(m.name);
  io.field(m.value);
  io.field(m.source);
}

struct DescribedConfig {
  std::string name{};
  std::optional<std::string> value{};
  bool read_only = false;
  bool is_default = false;                            // v0
  ConfigSource config_source = ConfigSource::absent;  // v1
  bool is_sensitive = false;
  std::vector<ConfigSynonym> synonyms{};         // v1
  ConfigType config_type = ConfigType::unknown;  // v3
  std::optional<std::string> documentation{};    // v3
  bool operator==(const DescribedConfig&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribedConfig>& m) {
  io.field(m.name);
  io.field(m.value);
  io.field(m.read_only);
  io.field(m.is_default, until(0));
  io.field(m.config_source, since(1));
  io.field(m.is_sensitive);
  io.field(m.synonyms, since(1));
  io.field(m.config_type, since(3));
  io.field(m.documentation, since(3));
}

struct DescribeConfigsResult {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message{};
  ConfigResource resource_type = ConfigResource::unknown;
  std::string resource_name{};
  std::vector<DescribedConfig> configs{};
  bool operator==(const DescribeConfigsResult&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeConfigsResult>& m) {
  io.field(m.error_code);
  io.field(m.error_message);
  io.field(m.resource_type);
  io.field(m.resource_name);
  io.field(m.configs);
}

struct DescribeConfigsResponse {
  static constexpr ApiKey kKey = ApiKey::describe_configs;
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeConfigsResult> results{};
  bool operator==(const DescribeConfigsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeConfigsResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.results);
}

}  // namespace broker::protocol
