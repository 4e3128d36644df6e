// Decoding never crashes and allocates no more than its limits say; what was decoded encodes to bytes that decode to
// the same again.
#include <cstdint>
#include <string>

#include "broker/protocol/api_table.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/headers.h"
#include "broker/protocol/wire.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/target.h"
#include "tests/unit/protocol/allocations.h"

namespace fuzz {
namespace {

using namespace broker::protocol;  // NOLINT(google-build-using-namespace): a test of this namespace alone

constexpr DecodeLimits kUnlimited{.elements_max = UINT32_MAX, .allocation_factor = 1U << 20U};

template <class Message>
Decoded<Message> decode_counted(Bytes body, ApiVersion version, const DecodeLimits& limits) {
  const AllocationCount count;
  auto decoded = decode<Message>(body, version, limits);
  const std::size_t used = count.bytes();  // before the text below, which is counted, too
  const std::size_t allowed = std::max(limits.allocation_floor_bytes, limits.allocation_factor * body.size());
  check(used <= allowed, std::to_string(used) + " bytes allocated for " + std::to_string(body.size()) + ", " +
                             std::to_string(allowed) + " are allowed");
  return decoded;
}

template <class Case>
void round_trip(Bytes body, ApiVersion version) {
  using Message = typename Case::Message;
  if (version.value() < Case::kMin || version.value() > Case::kMax) return;
  (void)decode_counted<Message>(body, version, {.allocation_floor_bytes = 0});
  const auto first = decode_counted<Message>(body, version, {});
  if (!first) return;
  check(first.trailing_bytes <= body.size(), "more bytes are left over than there were");
  const auto bytes = encode(first.message, version);
  check(bytes.size() == encoded_size(first.message, version), "a message is not as long as it was measured");
  const auto second = decode<Message>(bytes, version, kUnlimited);
  check(second.error == DecodeError::none, "what was encoded does not decode: " + std::string(name(second.error)));
  check(second.trailing_bytes == 0, "bytes are left over of what was encoded");
  check(second.message == first.message, "another message came back");
  check(encode(second.message, version) == bytes, "the same message gave other bytes");
}

void response(Bytes input, int key) {
  if (input.size() < 4) return;
  const ApiVersion version(load_big_endian<std::int16_t>(input.data() + 2));
  visit_message(static_cast<ApiKey>(key & ~kResponseBit),
                [&]<class Request, class Response> { round_trip<Response>(input.subspan(4), version); });
}

}  // namespace

void fuzz_requests(Bytes input) {
  if (input.size() >= 2) {
    const auto key = load_big_endian<std::int16_t>(input.data());
    if (key >= 0 && (key & kResponseBit) != 0) return response(input, key);
  }
  const DecodedHeader decoded = decode_request_header(input);
  if (!decoded) return;
  check(decoded.size <= input.size(), "a header is longer than its frame");
  const auto& header = decoded.header;
  const bool known = visit_message(header.key, [&]<class Request, class Response> {
    round_trip<Request>(input.subspan(decoded.size), header.version);
  });
  check(known || service_of(header.key, header.version) == Service::unknown, "served and yet no message is known");
}

}  // namespace fuzz
