// Which librdkafka properties the relay owns, and how its own producers are configured.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "relay/core/row.h"

namespace relay::kafka {

struct PublisherConfig {
  std::string source;  // the message id's first part, and the lease's name in client.id
  std::string bootstrap_servers;
  // [sink.properties]: any librdkafka property but the owned ones.
  std::vector<std::pair<std::string, std::string>> properties;
  // The window: the producers' queues must hold it, and one partition may have half of it.
  int in_flight_rows = 10'000;
  std::int64_t in_flight_bytes = 16 << 20;
  std::chrono::milliseconds silence_timeout{8'000};  // when a partition that acknowledges nothing gets nothing more
};

// Why this property of [sink.properties] is not the user's to set; none: it is.
[[nodiscard]] std::optional<std::string> owned_property(std::string_view name);

}  // namespace relay::kafka
