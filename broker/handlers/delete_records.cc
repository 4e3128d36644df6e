// DeleteRecords: moves the start of partitions, consumed or not. The one command that overrides the rule that nothing
// unconsumed goes, so it says so in the log, with who was still behind.
#include "broker/protocol/delete_records.h"

#include <algorithm>
#include <set>
#include <string>

#include "broker/handlers/families.h"
#include "common/log.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

constexpr std::size_t kGroupsNamed = 3;

// What one topic lost by a request, for one line of the log.
struct Deleted {
  std::int64_t partitions = 0;
  std::int64_t records = 0;
  std::set<std::string> behind;  // groups that had not committed past them
};

void note_groups_behind(Context& context, const storage::PartitionRef& ref, storage::Offset start, Deleted& deleted) {
  for (const auto& [name, group] : context.broker.state().groups()) {
    const auto commit = group.offsets.find(ref);
    if (commit != group.offsets.end() && commit->second.offset < start) deleted.behind.insert(name);
  }
}

void log_deleted(const Request& request, const std::string& topic, const Deleted& deleted) {
  std::string groups;
  std::size_t named = 0;
  for (const auto& group : deleted.behind) {
    if (named++ == kGroupsNamed) {
      groups += ", …";
      break;
    }
    groups += (groups.empty() ? "" : ", ") + group;
  }
  common::log::warn("records deleted on a client's request, consumed or not",
                    {{"topic", topic},
                     {"partitions", deleted.partitions},
                     {"records", deleted.records},
                     {"groups_behind", deleted.behind.size()},
                     {"groups", groups},
                     {"client", request.header.client_id.value_or(std::string()).substr(0, 100)},
                     {"address", request.client_host}});
}

protocol::DeleteRecordsPartitionResponse delete_one(Context& context, core::Topic* topic,
                                                    const protocol::DeleteRecordsPartition& ask, Deleted& deleted,
                                                    storage::Ticket& ticket) {
  protocol::DeleteRecordsPartitionResponse answer;
  answer.partition_index = ask.partition_index;
  if (topic == nullptr || ask.partition_index < 0 || ask.partition_index >= topic->partitions) {
    answer.error_code = ErrorCode::unknown_topic_or_partition;
    return answer;
  }
  const storage::PartitionIndex partition(ask.partition_index);
  const auto outcome = context.broker.delete_records(*topic, partition, storage::Offset(ask.offset));
  ticket = std::max(ticket, outcome.ticket);
  answer.error_code = outcome.refusal.error;
  if (outcome.refusal) return answer;
  answer.low_watermark = outcome.low_watermark.value();
  if (outcome.records == 0) return answer;
  deleted.partitions += 1;
  deleted.records += outcome.records;
  note_groups_behind(context, {topic->id, partition}, outcome.low_watermark, deleted);
  return answer;
}

}  // namespace

void handle_delete_records(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DeleteRecordsRequest>(context, request, reply, [&](const protocol::DeleteRecordsRequest& message) {
    std::size_t named = 0;
    for (const auto& topic : message.topics) named += topic.partitions.size();
    if (names_too_many(context, request, reply, named)) return;
    auto& broker = context.broker;
    protocol::DeleteRecordsResponse response;
    storage::Ticket ticket;
    const storage::Burst one_frame(broker.store());
    for (const auto& asked : message.topics) {
      auto* topic = broker.state().find_topic(asked.name);
      ticket = std::max(ticket, topic == nullptr ? broker.topics_deleted_ticket() : topic->ticket);
      protocol::DeleteRecordsTopicResponse answered;
      answered.name = asked.name;
      Deleted deleted;
      for (const auto& ask : asked.partitions) {
        answered.partitions.push_back(delete_one(context, topic, ask, deleted, ticket));
      }
      if (deleted.partitions > 0) log_deleted(request, asked.name, deleted);
      response.topics.push_back(std::move(answered));
    }
    answer(request, reply, response, ticket);
  });
}

}  // namespace broker::handlers
