// What the relay knows of itself, for the page, /statusz and the metrics. Filled by relay/core, read by relay/http.
// Values only: a snapshot may be kept and shown later.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace relay::core {

// Rows by state as the last whole sweep pass met them (a by-product, never a count of its own).
struct StateCounts {
  std::int64_t pending = 0;    // status 0, nothing in their way
  std::int64_t retrying = 0;   // status 0, next_attempt_at in the future
  std::int64_t held = 0;       // status 0, an earlier row of their key is in their way
  std::int64_t unclear = 0;    // status 0, not confirmed
  std::int64_t in_flight = 0;  // given to the publisher, not yet marked
  std::int64_t dead = 0;       // status 2
};

struct SourceStatus {
  std::string name;
  std::string table;
  bool database_up = false;
  std::string database_error;  // the last one, without secrets; empty when up
  bool owner = false;
  std::int64_t epoch = 0;
  std::string state;  // one word and a reason: "running", "standby", "cutting: sink silent", "stopping"
  StateCounts counts;
  std::chrono::milliseconds counts_age{-1};                // negative: no pass has ended yet
  std::chrono::microseconds oldest_pending_created_at{0};  // since 1970; 0: none
  std::uint64_t delivered_total = 0;                       // since this process started
  std::uint64_t failed_attempts_total = 0;
  std::uint64_t dead_total = 0;
  double delivered_per_second = 0;  // over the last 10 s or so
  std::int64_t watermark = 0;
  std::int64_t open_gaps = 0;
  std::chrono::microseconds last_delivery_wall{0};  // since 1970; 0: none yet
};

struct SinkStatus {
  std::string name;
  std::string bootstrap_servers;
  bool up = false;
  std::string reason;  // the last error, empty when up
};

struct AlertStatus {
  std::string source;
  std::string topic;
  std::string error_class;
  std::string message;
  std::int64_t rows = 0;
  std::chrono::microseconds since_wall{0};
};

struct RelayStatus {
  std::string version;
  std::chrono::microseconds started_wall{0};
  std::vector<SourceStatus> sources;
  std::vector<SinkStatus> sinks;
  std::vector<AlertStatus> alerts;
};

// A dead row as an operator first sees it; no body.
struct DeadRow {
  std::int64_t id = 0;
  std::string topic;
  std::string key;  // empty: none
  int attempts = 0;
  int checks = 0;
  std::string fail_msg;
  std::chrono::microseconds created_at{0};
};

}  // namespace relay::core
