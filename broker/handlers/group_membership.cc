// JoinGroup, SyncGroup, Heartbeat, LeaveGroup: the wire's side of core/groups.
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/groups.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// What an answer needs that comes after its request is gone.
struct Return {
  protocol::ApiVersion version;
  protocol::CorrelationId correlation;
  ReplyPtr reply;
};

void send_join(const Return& to, const core::JoinAnswer& joined) {
  protocol::JoinGroupResponse response;
  response.error_code = joined.error;
  response.generation_id = joined.generation.value();
  if (!joined.protocol_type.empty()) response.protocol_type = joined.protocol_type;
  if (joined.error == ErrorCode::none) response.protocol_name = joined.protocol;
  response.leader = joined.leader;
  response.skip_assignment = joined.skip_assignment;
  response.member_id = joined.member;
  for (const auto& member : joined.members) {
    response.members.push_back({member.id, member.instance, protocol::BytesView(member.metadata)});
  }
  to.reply->send(protocol::encode_response(response, to.version, to.correlation), joined.ticket);
}

void send_sync(const Return& to, const core::SyncAnswer& synced) {
  protocol::SyncGroupResponse response;
  response.error_code = synced.error;
  if (synced.error == ErrorCode::none) {
    response.protocol_type = synced.protocol_type;
    response.protocol_name = synced.protocol;
  }
  response.assignment = protocol::BytesView(synced.assignment);
  to.reply->send(protocol::encode_response(response, to.version, to.correlation), synced.ticket);
}

}  // namespace

void handle_join_group(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::JoinGroupRequest>(context, request, reply, [&](const protocol::JoinGroupRequest& message) {
    core::JoinRequest join;
    join.group = message.group_id;
    join.member = message.member_id;
    join.instance = message.group_instance_id;
    join.client_id = request.header.client_id.value_or(std::string()).substr(0, 255);
    join.client_host = request.client_host;
    join.protocol_type = message.protocol_type;
    for (const auto& one : message.protocols) join.protocols.push_back({one.name, one.metadata.copy()});
    join.session_timeout = std::chrono::milliseconds(message.session_timeout_ms);
    join.rebalance_timeout = std::chrono::milliseconds(message.rebalance_timeout_ms < 0 ? message.session_timeout_ms
                                                                                        : message.rebalance_timeout_ms);
    join.id_first = request.header.version.value() >= 4;
    join.may_skip_assignment = request.header.version.value() >= 9;
    const Return to{request.header.version, request.header.correlation, reply};
    auto& broker = context.broker;
    broker.groups().join(std::move(join), broker.now(),
                         [to](const core::JoinAnswer& joined) { send_join(to, joined); });
  });
}

void handle_sync_group(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::SyncGroupRequest>(context, request, reply, [&](const protocol::SyncGroupRequest& message) {
    core::SyncRequest sync;
    sync.group = message.group_id;
    sync.generation = core::Generation(message.generation_id);
    sync.member = message.member_id;
    sync.instance = message.group_instance_id;
    sync.protocol_type = message.protocol_type;
    sync.protocol = message.protocol_name;
    for (const auto& one : message.assignments) sync.assignments.emplace_back(one.member_id, one.assignment.copy());
    const Return to{request.header.version, request.header.correlation, reply};
    auto& broker = context.broker;
    broker.groups().sync(std::move(sync), broker.now(),
                         [to](const core::SyncAnswer& synced) { send_sync(to, synced); });
  });
}

void handle_heartbeat(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::HeartbeatRequest>(context, request, reply, [&](const protocol::HeartbeatRequest& message) {
    auto& broker = context.broker;
    protocol::HeartbeatResponse response;
    response.error_code = broker.groups().heartbeat(
        {message.group_id, core::Generation(message.generation_id), message.member_id, message.group_instance_id},
        broker.now());
    answer(request, reply, response, broker.groups().ticket());
  });
}

void handle_leave_group(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::LeaveGroupRequest>(context, request, reply, [&](const protocol::LeaveGroupRequest& message) {
    auto& broker = context.broker;
    const bool one = request.header.version.value() < 3;
    std::vector<core::Leaving> leaving;
    if (one) leaving.push_back({message.member_id, std::nullopt});
    for (const auto& member : message.members) leaving.push_back({member.member_id, member.group_instance_id});
    const auto errors = broker.groups().leave(message.group_id, leaving, broker.now());
    protocol::LeaveGroupResponse response;
    if (message.group_id.empty()) {
      response.error_code = ErrorCode::invalid_group_id;
    } else if (one) {
      response.error_code = errors.front();
    } else {
      for (std::size_t i = 0; i < errors.size(); ++i) {
        response.members.push_back({leaving[i].member, leaving[i].instance, errors[i]});
      }
    }
    answer(request, reply, response, broker.groups().ticket());
  });
}

}  // namespace broker::handlers
