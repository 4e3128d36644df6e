// Names and labels: the metrics list of the operators' reference.
#include "relay/core/source_meters.h"

namespace relay::core {

namespace {

common::Counter& checks(common::Metrics& metrics, const std::string& source, const char* result) {
  return metrics.counter("outbox_checkbacks_total", "Check-backs by verdict.",
                         {{"source", source}, {"result", result}});
}

}  // namespace

SourceMeters::SourceMeters(common::Metrics& metrics, const std::string& source, const std::string& sink)
    : oldest_pending(metrics.gauge("outbox_oldest_pending_timestamp_seconds",
                                   "created_at of the oldest row that waits; 0: none.", {{"source", source}})),
      last_poll_success(metrics.gauge("outbox_last_poll_success_timestamp_seconds", "When the table was last read.",
                                      {{"source", source}})),
      database_up(metrics.gauge("outbox_database_up", "1: the last statement succeeded.", {{"source", source}})),
      broker_up(metrics.gauge("outbox_broker_up", "1: connected to a broker.", {{"sink", sink}})),
      owner(metrics.gauge("outbox_owner", "1: this process holds the table's lease.", {{"source", source}})),
      paused(metrics.gauge("outbox_paused", "1: an operator paused the source.", {{"source", source}})),
      in_flight_rows(metrics.gauge("outbox_in_flight_rows", "Rows read and not yet marked.", {{"source", source}})),
      in_flight_bytes(
          metrics.gauge("outbox_in_flight_bytes", "Bytes of rows not yet acknowledged.", {{"source", source}})),
      sweep_pass_seconds(
          metrics.gauge("outbox_sweep_pass_seconds", "How long the last whole sweep took.", {{"source", source}})),
      poll_duration(metrics.histogram("outbox_poll_duration_seconds", "Time of one poll.", {{"source", source}})),
      poll_batch(metrics.histogram("outbox_poll_batch_messages", "Rows of one poll.", {{"source", source}},
                                   {0, 1, 10, 100, 500, 1'000, 2'000, 5'000, 10'000})),
      doubts(metrics.counter("outbox_doubts_total", "How often the sink was cut and rebuilt.", {{"source", source}})),
      mark_conflicts(metrics.counter("outbox_mark_conflicts_total",
                                     "Delivered rows that somebody had cancelled or discarded meanwhile.",
                                     {{"source", source}})),
      check_committed(checks(metrics, source, "committed")),
      check_rolled_back(checks(metrics, source, "rolled_back")),
      check_in_progress(checks(metrics, source, "in_progress")),
      check_unknown(checks(metrics, source, "unknown")) {}

}  // namespace relay::core
