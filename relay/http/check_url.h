// What a row's msg_log_url may be: parsed strictly, asked only where the source's allow-list says so (CONTRACTS §3).
// Pure; no name is resolved here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/parsed.h"

namespace relay::http {

struct CheckUrl {
  bool https = false;
  std::string host;  // lower case, an IPv6 address without brackets
  std::uint16_t port = 80;
  std::string target;  // path and query as sent, begins with '/', visible ASCII only

  // scheme://host:port, for messages; never the query.
  [[nodiscard]] std::string origin() const;
  // The value of the Host header: with the port only when it is not the scheme's own.
  [[nodiscard]] std::string host_header() const;
};

// `msg_log_id` takes the place of {msg_log_id}, or becomes a query parameter of that name; percent-encoded. Refused:
// user names, fragments, control characters, spaces, whatever else has no place in a URL. The problem never repeats the
// text. Source: RFC 3986.
[[nodiscard]] common::Parsed<CheckUrl> parse_check_url(std::string_view url, std::string_view msg_log_id);

// check_back_allow: entries scheme://host:port, where port may be `*`; without one it is the scheme's own.
class AllowList {
 public:
  // Throws common::Error (configuration) that names the entry.
  explicit AllowList(const std::vector<std::string>& entries);
  [[nodiscard]] bool allows(const CheckUrl& url) const;

 private:
  struct Entry {
    bool https = false;
    std::string host;
    std::uint16_t port = 0;
    bool any_port = false;
  };
  std::vector<Entry> entries_;
};

}  // namespace relay::http
