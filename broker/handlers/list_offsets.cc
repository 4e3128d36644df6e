// ListOffsets and OffsetForLeaderEpoch: earliest, latest, by time, largest timestamp, where an epoch ended. "Latest" is
// the durable end. There are no transactions, so both isolation levels see the same.
#include "broker/protocol/list_offsets.h"

#include <algorithm>

#include "broker/core/leader_epochs.h"
#include "broker/handlers/families.h"
#include "broker/protocol/offset_for_leader_epoch.h"
#include "common/log.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// A partition that a request names, as far as it is there.
struct Named {
  ErrorCode error = ErrorCode::none;
  storage::PartitionRef ref;
  core::PartitionEpochs epochs;
};

Named look_up(Context& context, const core::Topic* topic, std::int32_t partition, std::int32_t leader_epoch) {
  auto& broker = context.broker;
  Named named;
  if (topic == nullptr || partition < 0 || partition >= topic->partitions) {
    named.error = ErrorCode::unknown_topic_or_partition;
    return named;
  }
  named.ref = {topic->id, storage::PartitionIndex(partition)};
  named.epochs = {.starts = broker.state().epoch_starts(named.ref),
                  .current = broker.store().leader_epoch(),
                  .bounds = broker.store().bounds(named.ref).value_or(storage::PartitionBounds{})};
  named.error = core::check_leader_epoch(leader_epoch, named.epochs.current);
  return named;
}

const core::Topic* find_topic(Context& context, const std::string& name, storage::Ticket& ticket) {
  const auto* topic = context.broker.state().find_topic(name);
  ticket = std::max(ticket, topic == nullptr ? context.broker.topics_deleted_ticket() : topic->ticket);
  return topic;
}

void list_by_time(Context& context, const Named& named, const protocol::ListOffsetsPartition& ask,
                  protocol::ListOffsetsPartitionResponse& found) {
  auto& broker = context.broker;
  try {
    const auto hit = ask.timestamp_ms == protocol::kMaxTimestamp ? broker.find_max_timestamp(named.ref)
                                                                 : broker.find_time(named.ref, ask.timestamp_ms);
    if (!hit) return;  // −1, −1: nothing as late as that
    found.offset = hit->offset.value();
    found.timestamp_ms = hit->timestamp_ms;
    found.leader_epoch = hit->leader_epoch;
  } catch (const common::Error& error) {
    common::log::error("partition cannot be read: check the disk, stop the broker, run outbox-broker check",
                       {{"partition", ask.partition_index}, {"error", error.what()}});
    found.error_code = ErrorCode::kafka_storage_error;
  }
}

protocol::ListOffsetsPartitionResponse list(Context& context, const Named& named,
                                            const protocol::ListOffsetsPartition& ask, std::int16_t version) {
  protocol::ListOffsetsPartitionResponse found;
  found.partition_index = ask.partition_index;
  found.error_code = named.error;
  if (named.error != ErrorCode::none) return found;
  const auto& bounds = named.epochs.bounds;
  if (ask.timestamp_ms == protocol::kLatestTimestamp) {
    found.offset = bounds.durable_end.value();
    found.leader_epoch = named.epochs.current;
  } else if (ask.timestamp_ms == protocol::kEarliestTimestamp) {
    found.offset = bounds.start.value();
    found.leader_epoch = core::epoch_of(named.epochs, bounds.start);
  } else if (ask.timestamp_ms >= 0 || (ask.timestamp_ms == protocol::kMaxTimestamp && version >= 7)) {
    list_by_time(context, named, ask, found);
  } else {
    found.error_code = ErrorCode::unsupported_version;  // a later version's question
  }
  return found;
}

template <class Topics>
std::size_t partitions_named(const Topics& topics) {
  std::size_t named = 0;
  for (const auto& topic : topics) named += topic.partitions.size();
  return named;
}

}  // namespace

void handle_list_offsets(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ListOffsetsRequest>(context, request, reply, [&](const protocol::ListOffsetsRequest& message) {
    if (names_too_many(context, request, reply, partitions_named(message.topics))) return;
    protocol::ListOffsetsResponse response;
    storage::Ticket ticket;
    for (const auto& asked : message.topics) {
      const auto* topic = find_topic(context, asked.name, ticket);
      protocol::ListOffsetsTopicResponse listed;
      listed.name = asked.name;
      for (const auto& ask : asked.partitions) {
        const auto named = look_up(context, topic, ask.partition_index, ask.current_leader_epoch);
        if (named.error == ErrorCode::none && request.fetched != nullptr) {
          request.fetched->told_offset(asked.name, topic->id, named.ref.partition);
        }
        listed.partitions.push_back(list(context, named, ask, request.header.version.value()));
      }
      response.topics.push_back(std::move(listed));
    }
    answer(request, reply, response, ticket);
  });
}

void handle_offset_for_leader_epoch(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::OffsetForLeaderEpochRequest>(context, request, reply, [&](const auto& message) {
    if (names_too_many(context, request, reply, partitions_named(message.topics))) return;
    protocol::OffsetForLeaderEpochResponse response;
    storage::Ticket ticket;
    for (const auto& asked : message.topics) {
      const auto* topic = find_topic(context, asked.topic, ticket);
      protocol::OffsetForLeaderTopicResponse listed;
      listed.topic = asked.topic;
      for (const auto& ask : asked.partitions) {
        const auto named = look_up(context, topic, ask.partition, ask.current_leader_epoch);
        protocol::EpochEndOffset found;
        found.partition = ask.partition;
        found.error_code = named.error;
        if (named.error == ErrorCode::none) {
          const auto end = core::end_of_epoch(named.epochs, ask.leader_epoch);
          found.leader_epoch = end.epoch;
          found.end_offset = end.end.value();
        }
        listed.partitions.push_back(found);
      }
      response.topics.push_back(std::move(listed));
    }
    answer(request, reply, response, ticket);
  });
}

}  // namespace broker::handlers
