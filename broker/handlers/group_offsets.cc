// OffsetCommit and OffsetFetch. Committed offsets go through the journal; both answers wait until what they say is
// durable.
#include <algorithm>
#include <map>
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/offsets.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

ErrorCode commit_one(Context& context, const std::string& group, const std::string& name,
                     const protocol::OffsetCommitPartition& partition, storage::Ticket& ticket) {
  auto& broker = context.broker;
  const auto* topic = broker.state().find_topic(name);
  if (topic == nullptr || partition.partition_index < 0 || partition.partition_index >= topic->partitions) {
    return ErrorCode::unknown_topic_or_partition;
  }
  core::OffsetToCommit commit;
  commit.partition = {topic->id, storage::PartitionIndex(partition.partition_index)};
  commit.offset = storage::Offset(partition.committed_offset);
  commit.leader_epoch = partition.committed_leader_epoch;
  commit.metadata = partition.committed_metadata.value_or(std::string());
  if (const auto refusal = broker.refuse_commit(commit)) return refusal.error;
  ticket = std::max(ticket, broker.commit_offset(group, std::move(commit)));
  return ErrorCode::none;
}

class Offsets {
 public:
  Offsets(Context& context, const std::string& group)
      : context_(context), record_(context.broker.state().find_group(group)) {}

  std::vector<protocol::OffsetFetchTopicResponse> all() {
    std::map<std::string, protocol::OffsetFetchTopicResponse> by_name;
    if (record_ != nullptr) {
      for (const auto& [partition, commit] : record_->offsets) {
        const auto* topic = context_.broker.state().find_topic(partition.topic);
        if (topic == nullptr) continue;
        auto& listed = by_name[topic->name];
        listed.name = topic->name;
        listed.partitions.push_back(describe(partition.partition.value(), &commit));
      }
    }
    std::vector<protocol::OffsetFetchTopicResponse> topics;
    topics.reserve(by_name.size());
    for (auto& [name, listed] : by_name) topics.push_back(std::move(listed));
    return topics;
  }

  std::vector<protocol::OffsetFetchTopicResponse> named(const std::vector<protocol::OffsetFetchTopic>& wanted) {
    std::vector<protocol::OffsetFetchTopicResponse> topics;
    for (const auto& ask : wanted) {
      const auto* topic = context_.broker.state().find_topic(ask.name);
      protocol::OffsetFetchTopicResponse listed;
      listed.name = ask.name;
      for (const auto index : ask.partition_indexes) {
        const core::CommittedOffset* commit = nullptr;
        if (topic != nullptr && record_ != nullptr) {
          const auto found = record_->offsets.find({topic->id, storage::PartitionIndex(index)});
          if (found != record_->offsets.end()) commit = &found->second;
        }
        listed.partitions.push_back(describe(index, commit));
      }
      topics.push_back(std::move(listed));
    }
    return topics;
  }

  [[nodiscard]] storage::Ticket ticket() const { return ticket_; }

 private:
  protocol::OffsetFetchPartitionResponse describe(std::int32_t index, const core::CommittedOffset* commit) {
    protocol::OffsetFetchPartitionResponse described;
    described.partition_index = index;
    described.metadata = std::string();
    if (commit != nullptr) {
      described.committed_offset = commit->offset.value();
      described.committed_leader_epoch = commit->leader_epoch;
      described.metadata = commit->metadata;
      ticket_ = std::max(ticket_, commit->ticket);
    }
    return described;
  }

  Context& context_;
  const core::GroupRecord* record_;
  storage::Ticket ticket_;
};

}  // namespace

void handle_offset_commit(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::OffsetCommitRequest>(context, request, reply, [&](const protocol::OffsetCommitRequest& message) {
    auto& broker = context.broker;
    const auto allowed = broker.groups().may_commit(
        {message.group_id, core::Generation(message.generation_id), message.member_id, message.group_instance_id},
        broker.now());
    protocol::OffsetCommitResponse response;
    storage::Ticket ticket;
    const storage::Burst one_frame(broker.store());
    for (const auto& topic : message.topics) {
      protocol::OffsetCommitTopicResponse committed;
      committed.name = topic.name;
      for (const auto& partition : topic.partitions) {
        const auto error =
            allowed == ErrorCode::none ? commit_one(context, message.group_id, topic.name, partition, ticket) : allowed;
        committed.partitions.push_back({partition.partition_index, error});
      }
      response.topics.push_back(std::move(committed));
    }
    broker.groups().committed(message.group_id, broker.now());
    answer(request, reply, response, std::max({ticket, broker.groups().ticket(), broker.topics_deleted_ticket()}));
  });
}

void handle_offset_fetch(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::OffsetFetchRequest>(context, request, reply, [&](const protocol::OffsetFetchRequest& message) {
    protocol::OffsetFetchResponse response;
    storage::Ticket ticket;
    if (request.header.version.value() < 8) {
      Offsets offsets(context, message.group_id);
      response.topics = message.topics ? offsets.named(*message.topics) : offsets.all();
      ticket = offsets.ticket();
    } else {
      for (const auto& group : message.groups) {
        Offsets offsets(context, group.group_id);
        protocol::OffsetFetchGroupResponse found;
        found.group_id = group.group_id;
        found.topics = group.topics ? offsets.named(*group.topics) : offsets.all();
        response.groups.push_back(std::move(found));
        ticket = std::max(ticket, offsets.ticket());
      }
    }
    auto& broker = context.broker;
    answer(request, reply, response, std::max({ticket, broker.groups().ticket(), broker.topics_deleted_ticket()}));
  });
}

}  // namespace broker::handlers
