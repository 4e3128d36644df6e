// Ports and the smallest of clients, all on 127.0.0.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace test_support {

// A TCP port nobody listens on. It stays this process's own until the process ends: no other test is handed it, and it
// lies below the range the kernel takes ports of outgoing connections from. Thread-safe. Throws common::Error.
[[nodiscard]] std::uint16_t free_port();

// "127.0.0.1:<port>"
[[nodiscard]] std::string loopback(std::uint16_t port);

// Somebody accepts connections there now.
[[nodiscard]] bool can_connect(std::uint16_t port);

struct HttpAnswer {
  int status = 0;
  std::string body;
};
// GET http://127.0.0.1:<port><path>; nothing when no complete answer came within 5 s.
[[nodiscard]] std::optional<HttpAnswer> http_get(std::uint16_t port, const std::string& path);

}  // namespace test_support
