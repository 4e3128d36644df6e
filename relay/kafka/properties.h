// Which librdkafka properties the relay owns, and how its own producers are configured.
#pragma once

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
  int in_flight_rows = 10'000;  // the window that the producers' queues must hold
};

// Why this property of [sink.properties] is not the user's to set; none: it is.
[[nodiscard]] std::optional<std::string> owned_property(std::string_view name);

}  // namespace relay::kafka
