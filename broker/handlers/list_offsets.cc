// ListOffsets: earliest, latest, by time, largest timestamp. "Latest" is the durable end.
#include "broker/protocol/list_offsets.h"

#include "broker/handlers/families.h"
#include "common/log.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

protocol::ListOffsetsPartitionResponse list(Context& context, const std::string& name,
                                            const protocol::ListOffsetsPartition& ask) {
  protocol::ListOffsetsPartitionResponse found;
  found.partition_index = ask.partition_index;
  auto& broker = context.broker;
  const auto* topic = broker.state().find_topic(name);
  if (topic == nullptr || ask.partition_index < 0 || ask.partition_index >= topic->partitions) {
    found.error_code = ErrorCode::unknown_topic_or_partition;
    return found;
  }
  const storage::PartitionRef ref{topic->id, storage::PartitionIndex(ask.partition_index)};
  const auto bounds = broker.store().bounds(ref).value_or(storage::PartitionBounds{});
  const auto epoch = broker.store().leader_epoch();
  switch (ask.timestamp_ms) {
    case protocol::kLatestTimestamp:
      found.offset = bounds.durable_end.value();
      found.leader_epoch = epoch;
      return found;
    case protocol::kEarliestTimestamp:
      found.offset = bounds.start.value();
      found.leader_epoch = epoch;
      return found;
    default:
      break;
  }
  try {
    const auto hit = ask.timestamp_ms == protocol::kMaxTimestamp ? broker.find_max_timestamp(ref)
                                                                 : broker.store().find_time(ref, ask.timestamp_ms);
    if (!hit) return found;  // −1, −1: nothing as late as that
    found.offset = hit->first.value();
    found.timestamp_ms = hit->second;
    found.leader_epoch = epoch;
  } catch (const common::Error& error) {
    common::log::error("partition cannot be read: check the disk, stop the broker, run outbox-broker check",
                       {{"topic", name}, {"partition", ask.partition_index}, {"error", error.what()}});
    found.error_code = ErrorCode::kafka_storage_error;
  }
  return found;
}

}  // namespace

void handle_list_offsets(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ListOffsetsRequest>(context, request, reply, [&](const protocol::ListOffsetsRequest& message) {
    protocol::ListOffsetsResponse response;
    for (const auto& topic : message.topics) {
      protocol::ListOffsetsTopicResponse listed;
      listed.name = topic.name;
      for (const auto& ask : topic.partitions) listed.partitions.push_back(list(context, topic.name, ask));
      response.topics.push_back(std::move(listed));
    }
    answer(request, reply, response);
  });
}

}  // namespace broker::handlers
