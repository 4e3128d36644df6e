// A small, strict URL reader: what it does not understand, it refuses.
#include "relay/http/check_url.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/error.h"
#include "common/host_port.h"

namespace relay::http {
namespace {

constexpr std::string_view kPlaceholder = "{msg_log_id}";
constexpr std::size_t kUrlBytesMax = 4096;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
  return out;
}

struct Origin {
  bool https = false;
  std::string host;
  std::string port;  // as written, empty: the scheme's own
  std::string_view rest;
};

std::optional<Origin> take_origin(std::string_view url) {
  Origin origin;
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower(url.substr(0, colon));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  origin.https = scheme == "https";
  url.remove_prefix(colon + 3);
  const auto end = std::min(url.find_first_of("/?#"), url.size());
  std::string_view authority = url.substr(0, end);
  origin.rest = url.substr(end);
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    origin.host = lower(authority.substr(1, close - 1));
    const bool is_v6 = origin.host.find(':') != std::string::npos &&
                       std::ranges::all_of(origin.host, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
    if (!is_v6) return std::nullopt;
    authority.remove_prefix(close + 1);
    if (authority.empty()) return origin;
    if (!authority.starts_with(':')) return std::nullopt;
  } else {
    const auto port_colon = std::min(authority.find(':'), authority.size());
    origin.host = lower(authority.substr(0, port_colon));
    const bool is_name =
        !origin.host.empty() && origin.host.size() <= 253 &&
        std::ranges::all_of(origin.host, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
    if (!is_name) return std::nullopt;
    authority.remove_prefix(port_colon);
    if (authority.empty()) return origin;
  }
  origin.port = authority.substr(1);
  if (origin.port.empty()) return std::nullopt;
  return origin;
}

std::optional<std::uint16_t> port_number(const std::string& text, bool https) {
  if (text.empty()) return static_cast<std::uint16_t>(https ? 443 : 80);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// Characters RFC 3986 knows in a path or query, percent only as an escape.
bool is_target(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/?";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
    } else if (!is_alnum(text[i]) && kMarks.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

std::string replaced(std::string text, std::string_view with) {
  for (auto at = text.find(kPlaceholder); at != std::string::npos; at = text.find(kPlaceholder, at + with.size()))
    text.replace(at, kPlaceholder.size(), with);
  return text;
}

}  // namespace

std::string CheckUrl::origin() const {
  return std::string(https ? "https://" : "http://") + common::HostPort{host, port}.text();
}

std::string CheckUrl::host_header() const {
  if (port != (https ? 443 : 80)) return common::HostPort{host, port}.text();
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

common::Parsed<CheckUrl> parse_check_url(std::string_view url, std::string_view msg_log_id) {
  using Result = common::Parsed<CheckUrl>;
  if (url.size() + msg_log_id.size() > kUrlBytesMax) return Result::bad("msg_log_url is longer than 4096 bytes");
  if (url.find('@') < std::min(url.find_first_of("/?#", url.find("://") + 3), url.size()))
    return Result::bad("msg_log_url holds a user name or password");
  const auto origin = take_origin(url);
  if (!origin) return Result::bad("msg_log_url is no http:// or https:// URL");
  const auto port = port_number(origin->port, origin->https);
  if (!port) return Result::bad("msg_log_url has no valid port");
  if (origin->rest.find('#') != std::string_view::npos) return Result::bad("msg_log_url has a fragment (#)");

  std::string target(origin->rest);
  if (!target.starts_with('/')) target.insert(0, "/");
  const auto query = target.find('?');
  const auto placeholder = target.find(kPlaceholder);
  // "." or ".." in a path would be another path.
  if (placeholder < query && msg_log_id.find_first_not_of('.') == std::string_view::npos)
    return Result::bad("msg_log_id cannot stand in the path of msg_log_url");
  const std::string id = percent_encoded(msg_log_id);
  if (placeholder != std::string::npos)
    target = replaced(std::move(target), id);
  else
    target += (query == std::string::npos ? "?msg_log_id=" : "&msg_log_id=") + id;
  if (!is_target(target)) return Result::bad("msg_log_url holds a character that has no place in a URL");
  return Result::good({origin->https, origin->host, *port, std::move(target)});
}

AllowList::AllowList(const std::vector<std::string>& entries) {
  for (const auto& text : entries) {
    const auto origin = take_origin(text);
    const bool any_port = origin && origin->port == "*";
    const auto port = origin && !any_port ? port_number(origin->port, origin->https) : std::nullopt;
    if (!origin || !(origin->rest.empty() || origin->rest == "/") || (!any_port && !port))
      throw common::Error("check_back_allow: \"" + text + "\" is not scheme://host:port (port may be *)", false,
                          common::ExitCode::configuration);
    entries_.push_back({origin->https, origin->host, port.value_or(0), any_port});
  }
}

bool AllowList::allows(const CheckUrl& url) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.https == url.https && entry.host == url.host && (entry.any_port || entry.port == url.port);
  });
}

}  // namespace relay::http
