// Request headers v0–v2 and the choice of the response header. The version follows from API and API version alone:
// flexible requests have v2 (classic client id, then tagged fields), all others v1; flexible responses v1, all others
// v0, and ApiVersions' response always v0, because the client does not know yet what we speak (KIP-511).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/types.h"

namespace broker::protocol {

inline constexpr std::size_t kFrameLengthBytes = 4;  // before every frame; does not count itself

struct RequestHeader {
  ApiKey key{};
  ApiVersion version;
  CorrelationId correlation;
  std::optional<std::string> client_id{};
  bool operator==(const RequestHeader&) const = default;
};

struct DecodedHeader {
  RequestHeader header;
  DecodeError error = DecodeError::none;
  std::size_t size = 0;  // where the body begins in the frame

  explicit operator bool() const { return error == DecodeError::none; }
};

// `frame` is what follows the four length bytes. Key, version and correlation are filled in when the first eight bytes
// are there, even if the rest is damaged, so that a log line can name them.
[[nodiscard]] DecodedHeader decode_request_header(std::span<const std::byte> frame, const DecodeLimits& limits = {});

// 4 (correlation), or 5 with the empty tag section of header v1.
[[nodiscard]] std::size_t response_header_size(ApiKey key, ApiVersion version) noexcept;
// Writes length and header at the beginning of a frame that is `frame_bytes` long in all.
void write_response_header(std::span<std::byte> begin, ApiKey key, ApiVersion version, CorrelationId correlation,
                           std::size_t frame_bytes);
// The client's side: four length bytes, to be filled in, and the header.
[[nodiscard]] std::vector<std::byte> encode_request_header(ApiKey key, ApiVersion version, CorrelationId correlation,
                                                           std::string_view client_id);

}  // namespace broker::protocol
