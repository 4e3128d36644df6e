// CreateTopics.
#include <algorithm>
#include <set>
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/create_topics.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

core::Refusal refuse_placement(const protocol::CreatableTopic& wanted, std::int32_t node) {
  if (wanted.assignments.empty()) {
    if (wanted.replication_factor == -1 || wanted.replication_factor == 1) return {};
    return {ErrorCode::invalid_replication_factor, "this is one broker: the replication factor is 1"};
  }
  if (wanted.num_partitions != -1) {
    return {ErrorCode::invalid_request, "either a number of partitions or an assignment, not both"};
  }
  std::set<std::int32_t> indexes;
  for (const auto& one : wanted.assignments) {
    if (one.broker_ids != std::vector{node}) {
      return {ErrorCode::invalid_replica_assignment, "the only broker is " + std::to_string(node)};
    }
    indexes.insert(one.partition_index);
  }
  const auto count = static_cast<std::int32_t>(wanted.assignments.size());
  if (static_cast<std::int32_t>(indexes.size()) != count || *indexes.begin() != 0 || *indexes.rbegin() != count - 1) {
    return {ErrorCode::invalid_replica_assignment, "partitions are numbered from 0 without gaps"};
  }
  return {};
}

std::vector<protocol::CreatedTopicConfig> describe_configs(const core::TopicConfig& set) {
  std::vector<protocol::CreatedTopicConfig> configs;
  for (const auto& key : core::topic_config_keys()) {
    if (key.kind == core::ConfigKind::read_only) continue;
    const auto found = std::ranges::find(set, key.name, [](const auto& pair) { return pair.first; });
    protocol::CreatedTopicConfig config;
    config.name = key.name;
    config.value = found == set.end() ? std::string(key.value_default) : found->second;
    config.config_source = found == set.end() ? protocol::ConfigSource::default_value : protocol::ConfigSource::topic;
    configs.push_back(std::move(config));
  }
  return configs;
}

protocol::CreatedTopic create(Context& context, const protocol::CreatableTopic& wanted, bool validate_only,
                              storage::Ticket& ticket) {
  auto& broker = context.broker;
  protocol::CreatedTopic created;
  created.name = wanted.name;
  const auto refuse = [&created](core::Refusal refusal) {
    created.error_code = refusal.error;
    created.error_message = std::move(refusal.message);
    return created;
  };
  if (auto refusal = refuse_placement(wanted, broker.settings().node_id)) return refuse(std::move(refusal));
  auto partitions = wanted.num_partitions;
  if (!wanted.assignments.empty()) partitions = static_cast<std::int32_t>(wanted.assignments.size());
  core::TopicConfig config;
  for (const auto& one : wanted.configs) {
    if (!one.value) return refuse({ErrorCode::invalid_config, one.name + " has no value"});
    config.emplace_back(one.name, *one.value);
  }
  if (validate_only) {
    if (auto refusal = broker.refuse_topic(wanted.name, partitions, config)) return refuse(std::move(refusal));
  } else {
    auto made = broker.make_topic(wanted.name, partitions, config);
    if (made.topic != nullptr) ticket = std::max(ticket, made.topic->ticket);
    if (made.refusal) return refuse(std::move(made.refusal));
    created.topic_id = made.topic->id;
  }
  created.num_partitions = partitions == -1 ? broker.settings().partitions_default : partitions;
  created.replication_factor = 1;
  created.configs = describe_configs(config);
  return created;
}

}  // namespace

void handle_create_topics(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::CreateTopicsRequest>(context, request, reply, [&](const protocol::CreateTopicsRequest& message) {
    protocol::CreateTopicsResponse response;
    storage::Ticket ticket;
    const storage::Burst one_frame(context.broker.store());
    for (const auto& wanted : message.topics) {
      const auto twice = std::ranges::count(message.topics, wanted.name, &protocol::CreatableTopic::name) > 1;
      if (twice) {
        protocol::CreatedTopic refused;
        refused.name = wanted.name;
        refused.error_code = ErrorCode::invalid_request;
        refused.error_message = "named more than once in the request";
        if (std::ranges::find(response.topics, wanted.name, &protocol::CreatedTopic::name) == response.topics.end()) {
          response.topics.push_back(std::move(refused));
        }
        continue;
      }
      response.topics.push_back(create(context, wanted, message.validate_only, ticket));
    }
    answer(request, reply, response, ticket);
  });
}

}  // namespace broker::handlers
