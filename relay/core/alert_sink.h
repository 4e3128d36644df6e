// The seam to alerting: core says what is wrong and that it is over; relay/alert groups, repeats and sends.
#pragma once

#include <cstdint>
#include <string>

namespace relay::core {

// One alert per (source, topic, error class), never per row.
struct AlertKey {
  std::string source;
  std::string topic;        // empty: the whole source or sink
  std::string error_class;  // "dead_messages", "message_too_large", "sink_unreachable", "check_back_unresolved", …
  auto operator<=>(const AlertKey&) const = default;
};

// Thread-safe, never blocks.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  // Raises or updates; `rows` more rows are concerned; `message` is readable, names the way out, has no payload.
  virtual void raise(const AlertKey& key, const std::string& message, std::int64_t rows = 0) = 0;
  // Over. Nothing happens when it was not raised.
  virtual void resolve(const AlertKey& key) = 0;
};

}  // namespace relay::core
