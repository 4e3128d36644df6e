// Frame ↔ struct. Every message is a plain struct with `kKey` and one `describe(io, message)` in its family's header;
// the engine behind these functions (decoder.h, encoder.h) runs it to decode, to encode and to measure. The functions
// are compiled once per message in the families' .cc files, so that including a message costs nothing.
//
// Decoding never throws and never reads outside the input; it allocates at most DecodeLimits' budget. Encoding cannot
// fail: fields that a version lacks are left out. All of it is thread-safe and never blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "broker/protocol/response_frame.h"
#include "broker/protocol/types.h"

namespace broker::protocol {

enum class DecodeError : std::uint8_t {
  none,
  truncated,            // a field or a declared length reaches beyond the input
  bad_length,           // a negative length, a string beyond 32,767 bytes
  bad_varint,           // more than 5 (10) bytes, or bits beyond 32 (64)
  null_not_allowed,     // null where the protocol knows none
  too_many_tags,        // reliability limit, DecodeLimits::tags_max
  too_many_elements,    // DecodeLimits::elements_max
  over_budget,          // would allocate more than the input justifies
  unsupported_version,  // the message has no such version
};
[[nodiscard]] std::string_view name(DecodeError error) noexcept;

struct DecodeLimits {
  std::uint32_t tags_max = 64;                     // tagged fields in one section
  std::uint32_t elements_max = 10'000;             // elements of all arrays of one message
  std::size_t allocation_factor = 4;               // heap bytes per byte of input …
  std::size_t allocation_floor_bytes = 256 << 10;  // … but at least this: short names are honest
};

template <class Message>
struct Decoded {
  Message message;  // meaningful only without error; its views point into the input
  DecodeError error = DecodeError::none;
  std::size_t trailing_bytes = 0;  // left over behind the message; Kafka ignores them, so do we

  explicit operator bool() const { return error == DecodeError::none; }
};

// `body` is the frame without length and header.
template <class Message>
[[nodiscard]] Decoded<Message> decode(std::span<const std::byte> body, ApiVersion version,
                                      const DecodeLimits& limits = {});
// The body alone, without length and header.
template <class Message>
[[nodiscard]] std::vector<std::byte> encode(const Message& message, ApiVersion version);
template <class Message>
[[nodiscard]] std::size_t encoded_size(const Message& message, ApiVersion version);

// A whole frame, ready for the socket: length, response header (v0 or v1 as the message's version asks), body.
template <class Response>
[[nodiscard]] std::vector<std::byte> encode_response(const Response& response, ApiVersion version,
                                                     CorrelationId correlation);
// The same, but large bytes and records of the message stay where they are: they must outlive the frame, or be kept by
// it. For Fetch.
template <class Response>
[[nodiscard]] ResponseFrame encode_borrowing(const Response& response, ApiVersion version, CorrelationId correlation);
// The client's side, for tests and tools.
template <class Request>
[[nodiscard]] std::vector<std::byte> encode_request(const Request& request, ApiVersion version,
                                                    CorrelationId correlation, std::string_view client_id);

}  // namespace broker::protocol
