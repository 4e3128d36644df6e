// See status_json.h.
#include "relay/http/status_json.h"

#include <nlohmann/json.hpp>

namespace relay::http {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t ms(std::chrono::microseconds time) { return std::chrono::floor<std::chrono::milliseconds>(time).count(); }

Json ms_or_null(std::chrono::microseconds time) { return time.count() == 0 ? Json() : Json(ms(time)); }

Json counts_json(const core::SourceStatus& source) {
  if (source.counts_age.count() < 0) return {};  // no pass has ended yet: nothing is known
  const core::StateCounts& counts = source.counts;
  return {{"pending", counts.pending}, {"retrying", counts.retrying},   {"held", counts.held},
          {"unclear", counts.unclear}, {"in_flight", counts.in_flight}, {"dead", counts.dead}};
}

Json source_json(const core::SourceStatus& source) {
  return {{"name", source.name},
          {"table", source.table},
          {"database_up", source.database_up},
          {"database_error", source.database_error},
          {"owner", source.owner},
          {"epoch", std::to_string(source.epoch)},
          {"state", source.state},
          {"counts", counts_json(source)},
          {"counts_age_ms", source.counts_age.count() < 0 ? Json() : Json(source.counts_age.count())},
          {"oldest_pending_ms", ms_or_null(source.oldest_pending_created_at)},
          {"delivered_total", source.delivered_total},
          {"failed_attempts_total", source.failed_attempts_total},
          {"dead_total", source.dead_total},
          {"delivered_per_second", source.delivered_per_second},
          {"watermark", std::to_string(source.watermark)},
          {"open_gaps", source.open_gaps},
          {"last_delivery_ms", ms_or_null(source.last_delivery_wall)}};
}

// What came from a database may be any bytes: what is no UTF-8 is replaced, not thrown at.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string status_json(const core::RelayStatus& status, std::chrono::microseconds now_wall) {
  Json json = {{"version", status.version}, {"now_ms", ms(now_wall)}, {"started_ms", ms_or_null(status.started_wall)},
               {"sources", Json::array()},  {"sinks", Json::array()}, {"alerts", Json::array()}};
  for (const auto& source : status.sources) json["sources"].push_back(source_json(source));
  for (const auto& sink : status.sinks)
    json["sinks"].push_back(
        {{"name", sink.name}, {"bootstrap_servers", sink.bootstrap_servers}, {"up", sink.up}, {"reason", sink.reason}});
  for (const auto& alert : status.alerts)
    json["alerts"].push_back({{"source", alert.source},
                              {"topic", alert.topic},
                              {"error_class", alert.error_class},
                              {"message", alert.message},
                              {"rows", alert.rows},
                              {"since_ms", ms_or_null(alert.since_wall)}});
  return dump(json);
}

std::string dead_json(const std::vector<DeadRows>& sources) {
  Json json = {{"sources", Json::array()}};
  for (const auto& source : sources) {
    Json rows = Json::array();
    for (const auto& row : source.rows)
      rows.push_back({{"id", std::to_string(row.id)},
                      {"topic", row.topic},
                      {"key", row.key},
                      {"attempts", row.attempts},
                      {"checks", row.checks},
                      {"fail_msg", row.fail_msg},
                      {"created_ms", ms(row.created_at)}});
    json["sources"].push_back({{"name", source.source},
                               {"age_ms", source.age.count() < 0 ? Json() : Json(source.age.count())},
                               {"error", source.error},
                               {"rows", std::move(rows)}});
  }
  return dump(json);
}

}  // namespace relay::http
