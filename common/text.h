// Text that came from outside, made fit for a log line, a JSON document or a metric.
#pragma once

#include <string>
#include <string_view>

namespace common {

// Every byte that is no part of valid UTF-8 (RFC 3629: no surrogates, no overlong forms) becomes U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

// Appends `text` as the inside of a JSON string (RFC 8259): quotes, backslashes and control characters escaped,
// invalid UTF-8 replaced. Writes no quotes around it.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace common
