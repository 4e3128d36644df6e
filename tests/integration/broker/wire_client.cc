// Sockets of the test's client.
#include "tests/integration/broker/wire_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/error.h"

namespace broker_tests {

WireClient::WireClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw common::Error("nobody listens on port " + std::to_string(port));
  }
}

bool WireClient::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool WireClient::read_exactly(std::span<std::byte> into, std::chrono::steady_clock::time_point end) {
  while (!into.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
    const auto got = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

std::optional<std::vector<std::byte>> WireClient::receive(std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::array<std::byte, protocol::kFrameLengthBytes> header{};
  if (!read_exactly(header, end)) return std::nullopt;
  std::size_t length = 0;
  for (const auto byte : header) length = (length << 8) | std::to_integer<std::size_t>(byte);
  std::vector<std::byte> frame(length);
  if (!read_exactly(frame, end)) return std::nullopt;
  return frame;
}

bool WireClient::closed(std::chrono::milliseconds deadline) {
  pollfd waiting{socket_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(deadline.count())) <= 0) return false;
  std::byte byte{};
  return ::recv(socket_.get(), &byte, 1, 0) <= 0;
}

}  // namespace broker_tests
