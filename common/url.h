// An http(s) URL in its parts, for addresses that stand in configurations and rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/parsed.h"

namespace common {

struct Url {
  std::string scheme;        // "http" or "https"
  std::string userinfo;      // "user:password" as written; empty: none. Secret
  std::string host;          // lower case, without brackets
  std::uint16_t port = 0;    // the scheme's own when none was written
  std::string target = "/";  // path and query, from the first slash on; a fragment is cut. The query may be secret

  // scheme://host:port, fit for a log: no userinfo, no path, no query.
  [[nodiscard]] std::string origin() const;
};

// RFC 3986 as far as http needs it: scheme and host must be there; no blanks, no control characters, no bytes beyond
// ASCII (they stand percent-encoded); at most 8,000 characters. The problem never repeats the URL, which may hold
// secrets.
[[nodiscard]] Parsed<Url> parse_url(std::string_view text);

}  // namespace common
