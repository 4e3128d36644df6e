// The table of handlers.
#include "broker/handlers/dispatch.h"

#include <algorithm>
#include <array>
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/api_table.h"

namespace broker::handlers {
namespace {

using protocol::ApiKey;

struct Entry {
  ApiKey key;
  Handler handler;
};
constexpr auto kHandlers = std::to_array<Entry>({
    {ApiKey::produce, handle_produce},
    {ApiKey::fetch, handle_fetch},
    {ApiKey::list_offsets, handle_list_offsets},
    {ApiKey::metadata, handle_metadata},
    {ApiKey::offset_commit, handle_offset_commit},
    {ApiKey::offset_fetch, handle_offset_fetch},
    {ApiKey::find_coordinator, handle_find_coordinator},
    {ApiKey::join_group, handle_join_group},
    {ApiKey::heartbeat, handle_heartbeat},
    {ApiKey::leave_group, handle_leave_group},
    {ApiKey::sync_group, handle_sync_group},
    {ApiKey::describe_groups, handle_describe_groups},
    {ApiKey::list_groups, handle_list_groups},
    {ApiKey::delete_groups, handle_delete_groups},
    {ApiKey::offset_delete, handle_offset_delete},
    {ApiKey::api_versions, handle_api_versions},
    {ApiKey::create_topics, handle_create_topics},
    {ApiKey::delete_topics, handle_delete_topics},
    {ApiKey::init_producer_id, handle_init_producer_id},
    {ApiKey::describe_configs, handle_describe_configs},
    {ApiKey::create_partitions, handle_create_partitions},
    {ApiKey::delete_records, handle_delete_records},
    {ApiKey::offset_for_leader_epoch, handle_offset_for_leader_epoch},
    {ApiKey::alter_configs, handle_alter_configs},
    {ApiKey::incremental_alter_configs, handle_incremental_alter_configs},
    {ApiKey::describe_cluster, handle_describe_cluster},
});

const Entry* find(ApiKey key) {
  const auto found = std::ranges::find(kHandlers, key, &Entry::key);
  return found == kHandlers.end() ? nullptr : &*found;
}

}  // namespace

HandlerMetrics::HandlerMetrics(common::Metrics& metrics)
    : produce_bytes(metrics.counter("broker_produce_bytes_total", "Bytes of record batches appended")),
      produce_batches(metrics.counter("broker_produce_batches_total", "Record batches appended")),
      produce_refused(metrics.counter("broker_produce_refused_total", "Record batches refused")),
      fetch_bytes(metrics.counter("broker_fetch_bytes_total", "Bytes of records answered to Fetch")),
      malformed(metrics.counter("broker_malformed_requests_total", "Requests that could not be decoded")) {
  for (const auto& api : protocol::api_table()) {
    requests[api.key] = &metrics.counter("broker_requests_total", "Requests by API", {{"api", std::string(api.name)}});
  }
}

std::string describe(const protocol::RequestHeader& header) {
  const auto* api = protocol::find_api(header.key);
  return (api == nullptr ? "API " + std::to_string(static_cast<int>(header.key)) : std::string(api->name)) + " v" +
         std::to_string(header.version.value());
}

void refuse_malformed(Context& context, const Request& request, const ReplyPtr& reply, protocol::DecodeError error) {
  context.metrics.malformed.add();
  reply->close("malformed " + describe(request.header) + ": " + std::string(protocol::name(error)));
}

bool names_too_many(Context& context, const Request& request, const ReplyPtr& reply, std::size_t named) {
  const auto most = context.limits.partitions_per_request_max;
  if (named <= most) return false;
  reply->close(describe(request.header) + " names " + std::to_string(named) + " topics, partitions or resources: the " +
               "limit is " + std::to_string(most));
  return true;
}

bool has_handler(ApiKey key) { return find(key) != nullptr; }

void handle(Context& context, const Request& request, const ReplyPtr& reply) {
  const auto service = protocol::service_of(request.header.key, request.header.version);
  const auto* entry = find(request.header.key);
  switch (service) {
    case protocol::Service::unknown:
      return reply->close(describe(request.header) + " is not served here");
    case protocol::Service::api_versions_v0:
      return reply->send(protocol::encode_response(protocol::api_versions_unsupported(), protocol::ApiVersion(0),
                                                   request.header.correlation));
    case protocol::Service::refused_in_words:
      return refuse_old_produce(context, request, reply);
    case protocol::Service::served:
      break;
  }
  context.metrics.requests.at(request.header.key)->add();
  entry->handler(context, request, reply);
}

}  // namespace broker::handlers
