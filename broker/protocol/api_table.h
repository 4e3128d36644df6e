// The API table: THE list of what the broker serves. ApiVersions is answered from it, the session refuses what is not
// in it, and header versions follow from it. To add an API: its message header, a row in api_table.cc, a handler.
// Versions and why they were chosen: README.md of this folder.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "broker/protocol/api_key.h"
#include "broker/protocol/api_versions.h"
#include "broker/protocol/types.h"

namespace broker::protocol {

struct ApiEntry {
  ApiKey key;
  std::string_view name;
  std::int16_t min_advertised;
  std::int16_t max;            // highest advertised and served
  std::int16_t flexible_from;  // compact types, tagged fields and the newer headers from this version on
  std::int16_t min_served;     // below: advertised for old clients' sake, answered with error 35 only
};

[[nodiscard]] std::span<const ApiEntry> api_table() noexcept;
// Null: not served.
[[nodiscard]] const ApiEntry* find_api(ApiKey key) noexcept;
// Also for keys that are known but not served yet; unknown keys are never flexible.
[[nodiscard]] bool is_flexible(ApiKey key, ApiVersion version) noexcept;

enum class Service : std::uint8_t {
  served,
  refused_in_words,  // decodes; every partition is answered with unsupported_version (Produce 0–2)
  api_versions_v0,   // an ApiVersions version we do not know: a v0 body with error 35 that lists key 18 (KIP-511)
  unknown,           // close the connection, one log line
};
[[nodiscard]] Service service_of(ApiKey key, ApiVersion version) noexcept;

// What the broker serves; for unsupported versions of the question itself: error 35 and key 18 alone.
[[nodiscard]] ApiVersionsResponse api_versions_response();
[[nodiscard]] ApiVersionsResponse api_versions_unsupported();

}  // namespace broker::protocol
