// See scripted_answers.h. Every topic exists with one partition, every group has one member.
#include "tests/integration/protocol/scripted_answers.h"

#include "broker/protocol/api_table.h"
#include "broker/protocol/record_batch.h"

namespace broker::protocol {
namespace {

constexpr std::size_t kBatchBytesMax = 1'048'588;
constexpr std::int32_t kNode = 1;
const std::string kMember = "member-1";

// A topic's id is its name, cut and filled up.
Uuid topic_id(const std::string& name) {
  Uuid id{};
  for (std::size_t index = 0; index < id.size() && index < name.size(); ++index) {
    id[index] = static_cast<std::uint8_t>(name[index]);
  }
  return id;
}

ProducePartitionResponse produce(ScriptedState& state, const std::string& topic, const ProducePartition& partition) {
  ProducePartitionResponse response{.index = partition.index};
  std::vector<std::byte> batch = partition.records.value_or(BytesView()).copy();
  const CheckedBatch checked = check_produced(batch, kBatchBytesMax);
  if (!checked) {
    state.complaints.push_back("batch: " + std::string(name(checked.fault)));
    response.error_code = error_code(checked.fault);
    return response;
  }
  ScriptedState::Partition& kept = state.partitions[{topic, partition.index}];
  set_base_offset(batch, kept.end);
  if (checked.max_timestamp_ms != checked.header.max_timestamp_ms) set_max_timestamp(batch, checked.max_timestamp_ms);
  response.base_offset = kept.end;
  response.log_start_offset = 0;
  kept.log.insert(kept.log.end(), batch.begin(), batch.end());
  kept.end += checked.header.record_count;
  return response;
}

// The log from the batch that holds the offset.
BytesView records_from(const ScriptedState::Partition& partition, std::int64_t offset) {
  BatchIterator batches(partition.log);
  for (auto before = batches.rest(); auto batch = batches.next(); before = batches.rest()) {
    if (batch->last_offset() >= offset) return BytesView(before);
  }
  return {};
}

std::vector<OffsetFetchTopicResponse> fetch_offsets(ScriptedState& state,
                                                    const std::optional<std::vector<OffsetFetchTopic>>& topics) {
  std::vector<OffsetFetchTopicResponse> responses;
  for (const OffsetFetchTopic& topic : topics.value_or(std::vector<OffsetFetchTopic>())) {
    OffsetFetchTopicResponse& response = responses.emplace_back();
    response.name = topic.name;
    for (const std::int32_t index : topic.partition_indexes) {
      const auto found = state.committed.find({topic.name, index});
      const std::int64_t offset = found == state.committed.end() ? -1 : found->second;
      response.partitions.push_back({.partition_index = index, .committed_offset = offset, .metadata = ""});
    }
  }
  return responses;
}

}  // namespace

ApiVersionsResponse respond(ScriptedState&, const ApiVersionsRequest&, ApiVersion) { return api_versions_response(); }

MetadataResponse respond(ScriptedState& state, const MetadataRequest& request, ApiVersion) {
  MetadataResponse response{.cluster_id = "scripted", .controller_id = kNode};
  response.brokers.push_back({.node_id = kNode, .host = "127.0.0.1", .port = state.port});
  for (const MetadataRequestTopic& topic : request.topics.value_or(std::vector<MetadataRequestTopic>())) {
    MetadataTopic& known = response.topics.emplace_back();
    known.name = topic.name.value_or("?");
    known.topic_id = topic_id(*known.name);
    known.partitions.push_back({.leader_id = kNode, .leader_epoch = 0, .replica_nodes = {kNode}, .isr_nodes = {kNode}});
  }
  return response;
}

ProduceResponse respond(ScriptedState& state, const ProduceRequest& request, ApiVersion) {
  ProduceResponse response;
  for (const ProduceTopic& topic : request.topics) {
    ProduceTopicResponse& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const ProducePartition& partition : topic.partitions) {
      answered.partitions.push_back(produce(state, topic.name, partition));
    }
  }
  return response;
}

FetchResponse respond(ScriptedState& state, const FetchRequest& request, ApiVersion) {
  FetchResponse response;
  for (const FetchTopic& topic : request.topics) {
    FetchTopicResponse& answered = response.topics.emplace_back();
    answered.topic = topic.topic;
    for (const FetchPartition& partition : topic.partitions) {
      const ScriptedState::Partition& kept = state.partitions[{topic.topic, partition.partition}];
      answered.partitions.push_back({.partition_index = partition.partition,
                                     .high_watermark = kept.end,
                                     .last_stable_offset = kept.end,
                                     .log_start_offset = 0,
                                     .records = records_from(kept, partition.fetch_offset)});
    }
  }
  return response;
}

ListOffsetsResponse respond(ScriptedState& state, const ListOffsetsRequest& request, ApiVersion) {
  ListOffsetsResponse response;
  for (const ListOffsetsTopic& topic : request.topics) {
    ListOffsetsTopicResponse& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const ListOffsetsPartition& partition : topic.partitions) {
      const std::int64_t end = state.partitions[{topic.name, partition.partition_index}].end;
      answered.partitions.push_back({.partition_index = partition.partition_index,
                                     .offset = partition.timestamp_ms == kEarliestTimestamp ? 0 : end,
                                     .leader_epoch = 0});
    }
  }
  return response;
}

InitProducerIdResponse respond(ScriptedState&, const InitProducerIdRequest&, ApiVersion) {
  return {.producer_id = 1'000, .producer_epoch = 0};
}

FindCoordinatorResponse respond(ScriptedState& state, const FindCoordinatorRequest& request, ApiVersion) {
  FindCoordinatorResponse response{.node_id = kNode, .host = "127.0.0.1", .port = state.port};
  for (const std::string& key : request.coordinator_keys) {
    response.coordinators.push_back({.key = key, .node_id = kNode, .host = "127.0.0.1", .port = state.port});
  }
  return response;
}

JoinGroupResponse respond(ScriptedState&, const JoinGroupRequest& request, ApiVersion version) {
  if (version.value() >= 4 && request.member_id.empty() && !request.group_instance_id) {
    return {.error_code = ErrorCode::member_id_required, .member_id = kMember};
  }
  JoinGroupResponse response{.generation_id = 1, .protocol_type = request.protocol_type};
  response.leader = response.member_id = kMember;
  if (request.protocols.empty()) {
    response.error_code = ErrorCode::inconsistent_group_protocol;
    return response;
  }
  response.protocol_name = request.protocols.front().name;
  response.members.push_back({.member_id = kMember,
                              .group_instance_id = request.group_instance_id,
                              .metadata = request.protocols.front().metadata});
  return response;
}

SyncGroupResponse respond(ScriptedState&, const SyncGroupRequest& request, ApiVersion) {
  SyncGroupResponse response{.protocol_type = request.protocol_type, .protocol_name = request.protocol_name};
  for (const SyncGroupAssignment& assignment : request.assignments) {
    if (assignment.member_id == request.member_id) response.assignment = assignment.assignment;
  }
  return response;
}

HeartbeatResponse respond(ScriptedState&, const HeartbeatRequest&, ApiVersion) { return {}; }

LeaveGroupResponse respond(ScriptedState&, const LeaveGroupRequest& request, ApiVersion) {
  LeaveGroupResponse response;
  for (const LeavingMember& member : request.members) {
    response.members.push_back({.member_id = member.member_id, .group_instance_id = member.group_instance_id});
  }
  return response;
}

OffsetCommitResponse respond(ScriptedState& state, const OffsetCommitRequest& request, ApiVersion) {
  OffsetCommitResponse response;
  for (const OffsetCommitTopic& topic : request.topics) {
    OffsetCommitTopicResponse& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const OffsetCommitPartition& partition : topic.partitions) {
      state.committed[{topic.name, partition.partition_index}] = partition.committed_offset;
      answered.partitions.push_back({.partition_index = partition.partition_index});
    }
  }
  return response;
}

OffsetFetchResponse respond(ScriptedState& state, const OffsetFetchRequest& request, ApiVersion) {
  OffsetFetchResponse response{.topics = fetch_offsets(state, request.topics)};
  for (const OffsetFetchGroup& group : request.groups) {
    response.groups.push_back({.group_id = group.group_id, .topics = fetch_offsets(state, group.topics)});
  }
  return response;
}

CreateTopicsResponse respond(ScriptedState&, const CreateTopicsRequest& request, ApiVersion) {
  CreateTopicsResponse response;
  for (const CreatableTopic& topic : request.topics) {
    response.topics.push_back({.name = topic.name,
                               .topic_id = topic_id(topic.name),
                               .num_partitions = 1,
                               .replication_factor = 1,
                               .configs = std::vector<CreatedTopicConfig>()});
  }
  return response;
}

DescribeConfigsResponse respond(ScriptedState&, const DescribeConfigsRequest& request, ApiVersion) {
  DescribeConfigsResponse response;
  for (const DescribeConfigsResource& resource : request.resources) {
    DescribeConfigsResult& result = response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    result.configs.push_back({.name = "max.message.bytes",
                              .value = std::to_string(kBatchBytesMax),
                              .config_source = ConfigSource::default_value,
                              .config_type = ConfigType::int32});
  }
  return response;
}

}  // namespace broker::protocol
