// The one list of APIs; see api_table.h.
#include "broker/protocol/api_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

namespace broker::protocol {
namespace {

constexpr std::int16_t kNeverFlexible = std::numeric_limits<std::int16_t>::max();

// Every API that has a message here, ordered by key. `served`: a handler answers it, so ApiVersions names it; until
// then the row only tells the codec which versions are flexible.
struct Row {
  ApiEntry api;
  bool served = false;
};
constexpr std::array kRows{
    // key, name, min advertised, max, flexible from, min served
    Row{{ApiKey::produce, "Produce", 0, 11, 9, 3}, true},  // librdkafka looks for 0; 0–2 carry old record formats
    Row{{ApiKey::fetch, "Fetch", 4, 16, 12, 4}, true},     // from 13 on by topic id
    Row{{ApiKey::list_offsets, "ListOffsets", 1, 7, 6, 1}, true},
    Row{{ApiKey::metadata, "Metadata", 0, 12, 9, 0}, true},
    Row{{ApiKey::offset_commit, "OffsetCommit", 2, 8, 8, 2}, true},
    Row{{ApiKey::offset_fetch, "OffsetFetch", 1, 8, 6, 1}, true},
    Row{{ApiKey::find_coordinator, "FindCoordinator", 0, 4, 3, 0}, true},
    Row{{ApiKey::join_group, "JoinGroup", 0, 9, 6, 0}, true},
    Row{{ApiKey::heartbeat, "Heartbeat", 0, 4, 4, 0}, true},
    Row{{ApiKey::leave_group, "LeaveGroup", 0, 5, 4, 0}, true},
    Row{{ApiKey::sync_group, "SyncGroup", 0, 5, 4, 0}, true},
    Row{{ApiKey::describe_groups, "DescribeGroups", 0, 5, 5, 0}, true},
    Row{{ApiKey::list_groups, "ListGroups", 0, 5, 3, 0}, true},
    Row{{ApiKey::api_versions, "ApiVersions", 0, 3, 3, 0}, true},
    Row{{ApiKey::create_topics, "CreateTopics", 0, 7, 5, 0}, true},
    Row{{ApiKey::delete_topics, "DeleteTopics", 0, 6, 4, 0}, true},
    Row{{ApiKey::delete_records, "DeleteRecords", 0, 2, 2, 0}, true},
    Row{{ApiKey::init_producer_id, "InitProducerId", 0, 4, 2, 0}, true},
    Row{{ApiKey::offset_for_leader_epoch, "OffsetForLeaderEpoch", 2, 4, 4, 2}, true},
    Row{{ApiKey::describe_configs, "DescribeConfigs", 0, 4, 4, 0}, true},
    Row{{ApiKey::alter_configs, "AlterConfigs", 0, 2, 2, 0}, true},
    Row{{ApiKey::create_partitions, "CreatePartitions", 0, 3, 2, 0}, true},
    Row{{ApiKey::delete_groups, "DeleteGroups", 0, 2, 2, 0}, true},
    Row{{ApiKey::incremental_alter_configs, "IncrementalAlterConfigs", 0, 1, 1, 0}, true},
    Row{{ApiKey::offset_delete, "OffsetDelete", 0, 0, kNeverFlexible, 0}, true},
    Row{{ApiKey::describe_cluster, "DescribeCluster", 0, 1, 0, 0}, true},
};

constexpr bool ordered_by_key() {
  return std::ranges::is_sorted(kRows, std::ranges::less_equal{}, [](const Row& row) { return row.api.key; });
}
static_assert(ordered_by_key(), "api_table.cc: rows go by key, each once");

constexpr std::size_t kServed = std::ranges::count_if(kRows, &Row::served);
constexpr auto kTable = [] {
  std::array<ApiEntry, kServed> table{};
  std::size_t filled = 0;
  for (const Row& row : kRows) {
    if (row.served) table[filled++] = row.api;
  }
  return table;
}();

}  // namespace

std::span<const ApiEntry> api_table() noexcept { return kTable; }

const ApiEntry* find_api(ApiKey key) noexcept {
  const auto* found = std::ranges::lower_bound(kTable, key, {}, &ApiEntry::key);
  return found != kTable.end() && found->key == key ? found : nullptr;
}

bool is_flexible(ApiKey key, ApiVersion version) noexcept {
  const auto* found = std::ranges::lower_bound(kRows, key, {}, [](const Row& row) { return row.api.key; });
  return found != kRows.end() && found->api.key == key && version.value() >= found->api.flexible_from;
}

Service service_of(ApiKey key, ApiVersion version) noexcept {
  const ApiEntry* api = find_api(key);
  if (api == nullptr) return Service::unknown;
  if (version.value() < api->min_advertised || version.value() > api->max) {
    return key == ApiKey::api_versions ? Service::api_versions_v0 : Service::unknown;
  }
  return version.value() < api->min_served ? Service::refused_in_words : Service::served;
}

ApiVersionsResponse api_versions_response() {
  ApiVersionsResponse response;
  for (const ApiEntry& api : kTable) response.api_keys.push_back({api.key, api.min_advertised, api.max});
  return response;
}

ApiVersionsResponse api_versions_unsupported() {
  const ApiEntry* api = find_api(ApiKey::api_versions);
  return {.error_code = ErrorCode::unsupported_version,
          .api_keys = {{api->key, api->min_advertised, api->max}},
          .throttle_time_ms = 0};
}

}  // namespace broker::protocol
