// The bodies of codec.h's functions, and the line that compiles them for a message. Included only by messages_*.cc.
#pragma once

#include "broker/protocol/api_table.h"
#include "broker/protocol/borrowing.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/decoder.h"
#include "broker/protocol/encoder.h"
#include "broker/protocol/headers.h"

namespace broker::protocol {

template <class Message>
Decoded<Message> decode(std::span<const std::byte> body, ApiVersion version, const DecodeLimits& limits) {
  Decoded<Message> decoded;
  if (version.value() < 0) {
    decoded.error = DecodeError::unsupported_version;
    return decoded;
  }
  Decoder decoder(body, {version.value(), is_flexible(Message::kKey, version)}, limits);
  decoder.read(decoded.message);
  decoded.error = decoder.error();
  decoded.trailing_bytes = decoder.remaining();
  return decoded;
}

template <class Message>
std::size_t encoded_size(const Message& message, ApiVersion version) {
  WireSizer sizer;
  Encoder<WireSizer>(sizer, {version.value(), is_flexible(Message::kKey, version)}).write(message);
  return sizer.size();
}

template <class Message>
void encode_into(std::span<std::byte> output, const Message& message, ApiVersion version) {
  WireWriter writer(output);
  Encoder<WireWriter>(writer, {version.value(), is_flexible(Message::kKey, version)}).write(message);
  ENSURE(writer.remaining() == 0, "a message is shorter than it was measured");
}

template <class Message>
std::vector<std::byte> encode(const Message& message, ApiVersion version) {
  std::vector<std::byte> bytes(encoded_size(message, version));
  encode_into(bytes, message, version);
  return bytes;
}

template <class Response>
std::vector<std::byte> encode_response(const Response& response, ApiVersion version, CorrelationId correlation) {
  const std::size_t header = kFrameLengthBytes + response_header_size(Response::kKey, version);
  std::vector<std::byte> frame(header + encoded_size(response, version));
  write_response_header(frame, Response::kKey, version, correlation, frame.size());
  encode_into(std::span(frame).subspan(header), response, version);
  return frame;
}

template <class Response>
ResponseFrame encode_borrowing(const Response& response, ApiVersion version, CorrelationId correlation) {
  const WireForm form{version.value(), is_flexible(Response::kKey, version)};
  const std::size_t header = kFrameLengthBytes + response_header_size(Response::kKey, version);
  BorrowingSizer sizer;
  Encoder<BorrowingSizer>(sizer, form).write(response);
  ResponseFrame frame(std::vector<std::byte>(header + sizer.size()));
  BorrowingWriter writer(frame, header);
  Encoder<BorrowingWriter>(writer, form).write(response);
  ENSURE(writer.remaining() == 0, "a message is shorter than it was measured");
  write_response_header(frame.encoded(), Response::kKey, version, correlation, frame.size());
  return frame;
}

template <class Request>
std::vector<std::byte> encode_request(const Request& request, ApiVersion version, CorrelationId correlation,
                                      std::string_view client_id) {
  std::vector<std::byte> frame = encode_request_header(Request::kKey, version, correlation, client_id);
  const std::size_t header = frame.size();
  frame.resize(header + encoded_size(request, version));
  store_big_endian(frame.data(), static_cast<std::int32_t>(frame.size() - kFrameLengthBytes));
  encode_into(std::span(frame).subspan(header), request, version);
  return frame;
}

}  // namespace broker::protocol

#define COMPILE_BODY(Message)                                                                             \
  template Decoded<Message> decode<Message>(std::span<const std::byte>, ApiVersion, const DecodeLimits&); \
  template std::vector<std::byte> encode<Message>(const Message&, ApiVersion);                            \
  template std::size_t encoded_size<Message>(const Message&, ApiVersion)
#define COMPILE_REQUEST(Message) \
  COMPILE_BODY(Message);         \
  template std::vector<std::byte> encode_request<Message>(const Message&, ApiVersion, CorrelationId, std::string_view)
#define COMPILE_RESPONSE(Message) \
  COMPILE_BODY(Message);          \
  template std::vector<std::byte> encode_response<Message>(const Message&, ApiVersion, CorrelationId)
