// Reading HOST:PORT.
#include "common/host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace common {
namespace {

constexpr std::string_view kWayOut = "; write HOST:PORT, as in 127.0.0.1:8642 or [::1]:8642";

Parsed<HostPort> bad(std::string_view text, std::string_view why) {
  return Parsed<HostPort>::bad('"' + std::string(text) + "\": " + std::string(why) + std::string(kWayOut));
}

// Letters, digits and what names and addresses have besides; keeps spaces, slashes and control characters out.
bool is_host(std::string_view host, bool brackets) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool mark = c == '.' || c == '-' || c == '_' || (brackets && (c == ':' || c == '%'));
    if (!word && !mark) return false;
  }
  return true;
}

}  // namespace

std::string HostPort::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Parsed<HostPort> parse_host_port(std::string_view text) {
  std::string_view host;
  std::string_view port;
  const bool brackets = text.starts_with('[');
  if (brackets) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad(text, "the bracket is not closed");
    host = text.substr(1, end - 1);
    if (end + 1 >= text.size() || text[end + 1] != ':') return bad(text, "the port is missing");
    port = text.substr(end + 2);
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad(text, "the port is missing");
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) return bad(text, "an IPv6 address needs brackets");
  }
  if (host.empty()) return bad(text, "the host is missing (0.0.0.0 means every address)");
  if (!is_host(host, brackets)) return bad(text, "the host has a character that no host has");
  unsigned number = 0;
  const auto result = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || result.ec != std::errc{} || result.ptr != port.data() + port.size() || number > 65535) {
    return bad(text, "the port is no number from 0 to 65535");
  }
  return Parsed<HostPort>::good(HostPort{std::string(host), static_cast<std::uint16_t>(number)});
}

bool is_loopback(std::string_view host) {
  const std::string text(host);
  if (text == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

}  // namespace common
