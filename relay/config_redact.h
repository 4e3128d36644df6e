// What of a secret may be shown. For `config show` and log lines.
#pragma once

#include <string>
#include <string_view>

namespace relay {

// A libpq connection string (words or URL) with the values of its secrets replaced; "(redacted)" when it cannot be
// read.
[[nodiscard]] std::string redact_dsn(std::string_view dsn);
// Scheme, host and port; the rest of a URL may be secret.
[[nodiscard]] std::string redact_url(std::string_view url);
// True for librdkafka properties whose values are secret, and for names not surely harmless that look like one.
[[nodiscard]] bool is_secret_property(std::string_view name);

}  // namespace relay
