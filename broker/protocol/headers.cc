// Request and response headers; see headers.h.
#include "broker/protocol/headers.h"

#include "broker/protocol/api_table.h"
#include "broker/protocol/wire.h"
#include "broker/protocol/wire_form.h"
#include "common/ensure.h"

namespace broker::protocol {
namespace {

std::optional<std::string> read_client_id(WireReader& in) {
  const auto length = in.integer<std::int16_t>();
  if (length < -1) in.fail(DecodeError::bad_length);
  if (length < 0 || !in.ok()) return std::nullopt;
  const auto bytes = in.take(static_cast<std::size_t>(length));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void skip_tags(WireReader& in, const DecodeLimits& limits) {
  const std::uint32_t count = in.unsigned_varint();
  if (count > limits.tags_max) in.fail(DecodeError::too_many_tags);
  for (std::uint32_t index = 0; index < count && in.ok(); ++index) {
    static_cast<void>(in.unsigned_varint());
    static_cast<void>(in.take(in.unsigned_varint()));
  }
}

}  // namespace

DecodedHeader decode_request_header(std::span<const std::byte> frame, const DecodeLimits& limits) {
  DecodedHeader decoded;
  WireReader in(frame);
  RequestHeader& header = decoded.header;
  header.key = static_cast<ApiKey>(in.integer<std::int16_t>());
  header.version = ApiVersion{in.integer<std::int16_t>()};
  header.correlation = CorrelationId{in.integer<std::int32_t>()};
  header.client_id = read_client_id(in);
  if (is_flexible(header.key, header.version)) skip_tags(in, limits);
  decoded.error = in.error();
  decoded.size = frame.size() - in.remaining();
  return decoded;
}

std::size_t response_header_size(ApiKey key, ApiVersion version) noexcept {
  return key != ApiKey::api_versions && is_flexible(key, version) ? 5 : 4;
}

void write_response_header(std::span<std::byte> begin, ApiKey key, ApiVersion version, CorrelationId correlation,
                           std::size_t frame_bytes) {
  const std::size_t size = response_header_size(key, version);
  ENSURE(begin.size() >= kFrameLengthBytes + size, "a response frame has room for its header");
  ENSURE(frame_bytes - kFrameLengthBytes <= INT32_MAX, "a response frame's size fits its length field");
  WireWriter out(begin);
  out.integer(static_cast<std::int32_t>(frame_bytes - kFrameLengthBytes));
  out.integer(correlation.value());
  if (size > 4) out.unsigned_varint(0);
}

std::vector<std::byte> encode_request_header(ApiKey key, ApiVersion version, CorrelationId correlation,
                                             std::string_view client_id) {
  client_id = client_id.substr(0, kStringBytesMax);
  const bool flexible = is_flexible(key, version);
  std::vector<std::byte> bytes(kFrameLengthBytes + 10 + client_id.size() + (flexible ? 1 : 0));
  WireWriter out(bytes);
  out.integer(std::int32_t{0});
  out.integer(static_cast<std::int16_t>(key));
  out.integer(version.value());
  out.integer(correlation.value());
  out.integer(static_cast<std::int16_t>(client_id.size()));
  out.bytes(std::as_bytes(std::span(client_id)));
  if (flexible) out.unsigned_varint(0);
  return bytes;
}

}  // namespace broker::protocol
