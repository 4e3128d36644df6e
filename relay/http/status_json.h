// The page's two documents, /api/status and /api/dead, as JSON. Pure. Times are milliseconds since 1970; 64-bit ids are
// text, because JavaScript's numbers end at 2^53; what is not known is null, never 0.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "relay/core/status.h"

namespace relay::http {

// The newest dead rows of one source, and how they were come by.
struct DeadRows {
  std::string source;
  std::vector<core::DeadRow> rows;
  std::chrono::milliseconds age{-1};  // since they were read; negative: not yet
  std::string error;                  // why they could not be read again, empty when they could
};

[[nodiscard]] std::string status_json(const core::RelayStatus& status, std::chrono::microseconds now_wall);
[[nodiscard]] std::string dead_json(const std::vector<DeadRows>& sources);

}  // namespace relay::http
