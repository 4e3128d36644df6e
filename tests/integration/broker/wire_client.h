// A Kafka client of a test's own, as small as can be: it says exactly what the test wants said, also nonsense.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/protocol/codec.h"
#include "broker/protocol/headers.h"
#include "common/unique_fd.h"
#include "tests/support/wait_until.h"

namespace broker_tests {

namespace protocol = broker::protocol;

// One connection to 127.0.0.1. Blocking; a deadline that passes is "nothing".
class WireClient {
 public:
  // Throws common::Error when nobody listens.
  explicit WireClient(std::uint16_t port);

  // False: the other side has closed.
  bool send(std::span<const std::byte> bytes);
  template <class Message>
  bool send(const Message& message, int version, int correlation = 1) {
    return send(protocol::encode_request(message, api(version), protocol::CorrelationId(correlation), "test"));
  }
  // The next frame without its length; none: closed, or nothing came within the time.
  std::optional<std::vector<std::byte>> receive(std::chrono::milliseconds deadline = test_support::kDeadline);
  template <class Response>
  std::optional<Response> receive_message(int version) {
    frame_ = receive().value_or(std::vector<std::byte>{});
    const auto skip = protocol::response_header_size(Response::kKey, api(version));
    if (frame_.size() < skip) return std::nullopt;
    auto decoded = protocol::decode<Response>(std::span<const std::byte>(frame_).subspan(skip), api(version));
    if (!decoded) return std::nullopt;
    return std::move(decoded.message);
  }
  template <class Response, class Message>
  std::optional<Response> call(const Message& message, int version) {
    if (!send(message, version)) return std::nullopt;
    return receive_message<Response>(version);
  }
  // Waits until the other side closes; false: it did not within the time, or it said something.
  bool closed(std::chrono::milliseconds deadline = test_support::kDeadline);

 private:
  static protocol::ApiVersion api(int version) { return protocol::ApiVersion(static_cast<std::int16_t>(version)); }
  bool read_exactly(std::span<std::byte> into, std::chrono::steady_clock::time_point end);

  common::UniqueFd socket_;
  std::vector<std::byte> frame_;  // of the last message: its views point here
};

}  // namespace broker_tests
