// A source's metric handles, looked up once.
#pragma once

#include <array>
#include <string>

#include "common/metrics.h"

namespace relay::core {

struct SourceMeters {
  SourceMeters(common::Metrics& metrics, const std::string& source, const std::string& sink);

  common::Gauge& oldest_pending;
  common::Gauge& last_poll_success;
  common::Gauge& database_up;
  common::Gauge& broker_up;
  common::Gauge& owner;
  common::Gauge& paused;
  common::Gauge& in_flight_rows;
  common::Gauge& in_flight_bytes;
  common::Gauge& sweep_pass_seconds;
  common::Histogram& poll_duration;
  common::Histogram& poll_batch;
  common::Counter& doubts;
  common::Counter& mark_conflicts;
  common::Counter& check_committed;
  common::Counter& check_rolled_back;
  common::Counter& check_in_progress;
  common::Counter& check_unknown;
};

}  // namespace relay::core
