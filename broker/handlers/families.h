// The handlers, one file per API family; dispatch.cc has the table that names them.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "broker/handlers/dispatch.h"
#include "broker/protocol/codec.h"

namespace broker::handlers {

using Handler = void (*)(Context& context, const Request& request, const ReplyPtr& reply);

// cluster.cc
void handle_api_versions(Context& context, const Request& request, const ReplyPtr& reply);
void handle_metadata(Context& context, const Request& request, const ReplyPtr& reply);
void handle_find_coordinator(Context& context, const Request& request, const ReplyPtr& reply);
void handle_describe_cluster(Context& context, const Request& request, const ReplyPtr& reply);
// topics.cc
void handle_create_topics(Context& context, const Request& request, const ReplyPtr& reply);
void handle_delete_topics(Context& context, const Request& request, const ReplyPtr& reply);
void handle_create_partitions(Context& context, const Request& request, const ReplyPtr& reply);
// configs.cc, alter_configs.cc
void handle_describe_configs(Context& context, const Request& request, const ReplyPtr& reply);
void handle_alter_configs(Context& context, const Request& request, const ReplyPtr& reply);
void handle_incremental_alter_configs(Context& context, const Request& request, const ReplyPtr& reply);
// produce.cc
void handle_produce(Context& context, const Request& request, const ReplyPtr& reply);
void refuse_old_produce(Context& context, const Request& request, const ReplyPtr& reply);
void handle_init_producer_id(Context& context, const Request& request, const ReplyPtr& reply);
// fetch.cc, list_offsets.cc, delete_records.cc
void handle_fetch(Context& context, const Request& request, const ReplyPtr& reply);
void handle_list_offsets(Context& context, const Request& request, const ReplyPtr& reply);
void handle_offset_for_leader_epoch(Context& context, const Request& request, const ReplyPtr& reply);
void handle_delete_records(Context& context, const Request& request, const ReplyPtr& reply);
// group_membership.cc
void handle_join_group(Context& context, const Request& request, const ReplyPtr& reply);
void handle_sync_group(Context& context, const Request& request, const ReplyPtr& reply);
void handle_heartbeat(Context& context, const Request& request, const ReplyPtr& reply);
void handle_leave_group(Context& context, const Request& request, const ReplyPtr& reply);
// group_offsets.cc
void handle_offset_commit(Context& context, const Request& request, const ReplyPtr& reply);
void handle_offset_fetch(Context& context, const Request& request, const ReplyPtr& reply);
// group_admin.cc
void handle_describe_groups(Context& context, const Request& request, const ReplyPtr& reply);
void handle_list_groups(Context& context, const Request& request, const ReplyPtr& reply);
void handle_delete_groups(Context& context, const Request& request, const ReplyPtr& reply);
void handle_offset_delete(Context& context, const Request& request, const ReplyPtr& reply);

// The API's name and version, for log lines.
[[nodiscard]] std::string describe(const protocol::RequestHeader& header);
void refuse_malformed(Context& context, const Request& request, const ReplyPtr& reply, protocol::DecodeError error);
// A request that names more topics, partitions or resources than one may closes the connection; true: it did.
bool names_too_many(Context& context, const Request& request, const ReplyPtr& reply, std::size_t named);

// Decodes the body and calls `then(message)`; a body that cannot be decoded closes the connection.
template <class Message, class Then>
void decoded(Context& context, const Request& request, const ReplyPtr& reply, Then&& then) {
  auto message = protocol::decode<Message>(request.body, request.header.version, context.limits.decode);
  if (!message) return refuse_malformed(context, request, reply, message.error);
  std::forward<Then>(then)(message.message);
}

template <class Response>
void answer(const Request& request, const ReplyPtr& reply, const Response& response, storage::Ticket ticket = {}) {
  reply->send(protocol::encode_response(response, request.header.version, request.header.correlation), ticket);
}

}  // namespace broker::handlers
