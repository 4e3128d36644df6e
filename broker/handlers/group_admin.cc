// DescribeGroups, ListGroups, DeleteGroups, OffsetDelete: what tools ask about groups and do to them.
#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>

#include "broker/handlers/families.h"
#include "broker/protocol/delete_groups.h"
#include "broker/protocol/describe_groups.h"
#include "broker/protocol/list_groups.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

constexpr std::string_view kGroupType = "classic";
// Bits by number of operation: read, delete, describe. Nobody is forbidden anything.
constexpr std::int32_t kOperations = (1 << 3) | (1 << 6) | (1 << 8);

protocol::DescribedGroup describe_group(const core::Groups& groups, const std::string& id) {
  protocol::DescribedGroup described;
  described.group_id = id;
  const auto* group = groups.find(id);
  if (group == nullptr) {
    described.group_state = core::name(core::GroupPhase::dead);
    return described;
  }
  described.group_state = core::name(group->phase);
  described.protocol_type = group->protocol_type;
  const bool settled = group->phase == core::GroupPhase::stable;  // otherwise there is no assignment to show
  if (settled) described.protocol_data = group->protocol;
  for (const auto& [member_id, member] : group->members) {
    protocol::DescribedGroupMember shown;
    shown.member_id = member_id;
    shown.group_instance_id = member.data.instance;
    shown.client_id = member.data.client_id;
    shown.client_host = member.data.client_host;
    const auto* chosen = settled ? member.find_protocol(group->protocol) : nullptr;
    if (chosen != nullptr) shown.member_metadata = protocol::BytesView(chosen->metadata);
    if (settled) shown.member_assignment = protocol::BytesView(member.data.assignment);
    described.members.push_back(std::move(shown));
  }
  return described;
}

// Tools differ in how they write the names of states and types.
bool same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}
bool wanted(const std::vector<std::string>& filter, std::string_view name) {
  return filter.empty() || std::ranges::any_of(filter, [&](const std::string& one) { return same_name(one, name); });
}

}  // namespace

void handle_describe_groups(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DescribeGroupsRequest>(
      context, request, reply, [&](const protocol::DescribeGroupsRequest& message) {
        const auto& groups = context.broker.groups();
        protocol::DescribeGroupsResponse response;
        // Each once, however often it is named: a group may be large.
        for (const auto& id : std::set<std::string>(message.groups.begin(), message.groups.end())) {
          response.groups.push_back(describe_group(groups, id));
          if (message.include_authorized_operations) response.groups.back().authorized_operations = kOperations;
        }
        answer(request, reply, response, groups.ticket());
      });
}

void handle_list_groups(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ListGroupsRequest>(context, request, reply, [&](const protocol::ListGroupsRequest& message) {
    const auto& groups = context.broker.groups();
    protocol::ListGroupsResponse response;
    const bool any = wanted(message.types_filter, kGroupType);
    for (const auto& [id, group] : groups.all()) {
      if (!any || !wanted(message.states_filter, core::name(group->phase))) continue;
      response.groups.push_back(
          {id, group->protocol_type, std::string(core::name(group->phase)), std::string(kGroupType)});
    }
    answer(request, reply, response, groups.ticket());
  });
}

void handle_delete_groups(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DeleteGroupsRequest>(context, request, reply, [&](const protocol::DeleteGroupsRequest& message) {
    auto& broker = context.broker;
    const storage::Burst one_frame(broker.store());
    const auto why = "DeleteGroups from " + request.client_host;
    protocol::DeleteGroupsResponse response;
    for (const auto& id : message.groups_names) response.results.push_back({id, broker.delete_group(id, why)});
    answer(request, reply, response, broker.groups().ticket());
  });
}

void handle_offset_delete(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::OffsetDeleteRequest>(context, request, reply, [&](const protocol::OffsetDeleteRequest& message) {
    auto& broker = context.broker;
    protocol::OffsetDeleteResponse response;
    const auto* group = broker.groups().find(message.group_id);
    const bool empty = group != nullptr && group->phase == core::GroupPhase::empty;
    if (group == nullptr) {
      response.error_code = ErrorCode::group_id_not_found;
    } else if (!empty && group->protocol_type != "consumer") {
      response.error_code = ErrorCode::non_empty_group;  // what its members read cannot be told
    }
    std::vector<storage::PartitionRef> released;
    for (const auto& asked : message.topics) {
      if (response.error_code != ErrorCode::none) break;
      const auto* topic = broker.state().find_topic(asked.name);
      const bool read = !empty && group->may_read(asked.name);
      auto& answered = response.topics.emplace_back();
      answered.name = asked.name;
      for (const auto& partition : asked.partitions) {
        const auto index = partition.partition_index;
        auto error = ErrorCode::none;
        if (topic == nullptr || index < 0 || index >= topic->partitions) {
          error = ErrorCode::unknown_topic_or_partition;
        } else if (read) {
          error = ErrorCode::group_subscribed_to_topic;
        } else {
          released.push_back({topic->id, storage::PartitionIndex(index)});
        }
        answered.partitions.push_back({index, error});
      }
    }
    broker.delete_offsets(message.group_id, released, "OffsetDelete from " + request.client_host);
    answer(request, reply, response, std::max(broker.groups().ticket(), broker.topics_deleted_ticket()));
  });
}

}  // namespace broker::handlers
