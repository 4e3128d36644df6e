// HOST:PORT as people write it, with brackets around an IPv6 address.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/parsed.h"

namespace common {

struct HostPort {
  std::string host;        // a name or an address, without brackets
  std::uint16_t port = 0;  // 0: any free one

  // With brackets where they are needed.
  [[nodiscard]] std::string text() const;
  bool operator==(const HostPort&) const = default;
};

// "127.0.0.1:8642", "[::1]:8642", "broker.example:9092". The host must be there: listening everywhere is written
// 0.0.0.0.
[[nodiscard]] Parsed<HostPort> parse_host_port(std::string_view text);

// True for localhost, 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104. Never asks a resolver: any other name is not loopback.
[[nodiscard]] bool is_loopback(std::string_view host);

}  // namespace common
