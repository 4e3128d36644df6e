// Taking an http URL apart.
#include "common/url.h"

#include <algorithm>
#include <cstddef>

#include "common/host_port.h"

namespace common {
namespace {

constexpr std::size_t kUrlMax = 8000;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

bool has_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  return colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
}

}  // namespace

std::string Url::origin() const { return scheme + "://" + HostPort{host, port}.text(); }

Parsed<Url> parse_url(std::string_view text) {
  using Result = Parsed<Url>;
  if (text.size() > kUrlMax) return Result::bad("a URL of more than 8000 characters");
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7F) return Result::bad("a URL has no blanks, control characters or letters beyond ASCII");
  }
  Url url;
  const std::size_t colon = text.find("://");
  url.scheme = lower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (url.scheme != "http" && url.scheme != "https") return Result::bad("a URL begins with http:// or https://");
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string authority(rest.substr(0, end));
  const std::string_view target = rest.substr(end);
  if (!target.empty()) url.target = target.front() == '/' ? std::string(target) : '/' + std::string(target);
  const std::size_t at = authority.rfind('@');
  if (at != std::string::npos) {
    url.userinfo = authority.substr(0, at);
    authority.erase(0, at + 1);
  }
  if (!has_port(authority)) authority += url.scheme == "http" ? ":80" : ":443";
  const auto address = parse_host_port(authority);
  if (!address || address->port == 0) return Result::bad("the URL's host or port is not one");
  url.host = lower(address->host);
  url.port = address->port;
  return Result::good(std::move(url));
}

}  // namespace common
