// ApiVersions (key 18): what the broker serves; always the first thing a client asks. KIP-35, KIP-511.
#pragma once

#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct ApiVersionsRequest {
  static constexpr ApiKey kKey = ApiKey::api_versions;
  std::string client_software_name{};     // v3
  std::string client_software_version{};  // v3
  bool operator==(const ApiVersionsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ApiVersionsRequest>& m) {
  io.field(m.client_software_name, since(3));
  io.field(m.client_software_version, since(3));
}

struct ApiVersionRange {
  ApiKey key{};
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;
  bool operator==(const ApiVersionRange&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ApiVersionRange>& m) {
  io.field(m.key);
  io.field(m.min_version);
  io.field(m.max_version);
}

// Made by api_versions_response() of api_table.h.
struct ApiVersionsResponse {
  static constexpr ApiKey kKey = ApiKey::api_versions;
  ErrorCode error_code = ErrorCode::none;
  std::vector<ApiVersionRange> api_keys{};
  std::int32_t throttle_time_ms = 0;  // v1
  bool operator==(const ApiVersionsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ApiVersionsResponse>& m) {
  io.field(m.error_code);
  io.field(m.api_keys);
  io.field(m.throttle_time_ms, since(1));
}

}  // namespace broker::protocol
