// CreateTopics, DeleteTopics, CreatePartitions. A request's changes share one frame of the journal; its answer waits
// for it, also where it says that a topic exists already or no more.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/create_partitions.h"
#include "broker/protocol/create_topics.h"
#include "broker/protocol/delete_topics.h"

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
    if (const auto* there = broker.state().find_topic(wanted.name)) ticket = std::max(ticket, there->ticket);
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

// By name before v6, by name or id since.
std::vector<protocol::DeleteTopicState> named(const protocol::DeleteTopicsRequest& message, bool by_id) {
  if (by_id) return message.topics;
  std::vector<protocol::DeleteTopicState> topics;
  topics.reserve(message.topic_names.size());
  for (const auto& name : message.topic_names) topics.push_back({name, {}});
  return topics;
}

core::Topic* find(Context& context, const protocol::DeleteTopicState& wanted) {
  auto& state = context.broker.state();
  return wanted.name ? state.find_topic(*wanted.name) : state.find_topic(wanted.topic_id);
}

core::Refusal refuse_deletion(const protocol::DeleteTopicState& wanted, const core::Topic* topic, bool twice) {
  const bool by_id = wanted.topic_id != protocol::Uuid{};
  if (wanted.name.has_value() == by_id) return {ErrorCode::invalid_request, "either a topic's name or its id"};
  if (twice) return {ErrorCode::invalid_request, "named more than once in the request"};
  if (topic != nullptr) return {};
  if (by_id) return {ErrorCode::unknown_topic_id, "no topic with the id " + core::uuid_text(wanted.topic_id)};
  return {ErrorCode::unknown_topic_or_partition, "no topic '" + wanted.name->substr(0, 249) + "'"};
}

core::Refusal refuse_assignments(const protocol::CreatePartitionsTopic& wanted, const core::Topic& topic,
                                 std::int32_t node) {
  if (!wanted.assignments) return {};
  if (static_cast<std::int64_t>(wanted.assignments->size()) != wanted.count - topic.partitions) {
    return {ErrorCode::invalid_replica_assignment, "an assignment for each partition that is added, or none at all"};
  }
  const auto here = [node](const auto& one) { return one.broker_ids == std::vector{node}; };
  if (std::ranges::all_of(*wanted.assignments, here)) return {};
  return {ErrorCode::invalid_replica_assignment, "the only broker is " + std::to_string(node)};
}

core::Refusal grow(Context& context, const protocol::CreatePartitionsTopic& wanted, bool validate_only,
                   storage::Ticket& ticket) {
  auto& broker = context.broker;
  auto* topic = broker.state().find_topic(wanted.name);
  if (topic == nullptr) {
    ticket = std::max(ticket, broker.topics_deleted_ticket());
    return {ErrorCode::unknown_topic_or_partition, "no topic '" + wanted.name.substr(0, 249) + "'"};
  }
  ticket = std::max(ticket, topic->ticket);
  if (auto refusal = broker.refuse_growth(*topic, wanted.count)) return refusal;
  if (auto refusal = refuse_assignments(wanted, *topic, broker.settings().node_id)) return refusal;
  if (!validate_only) ticket = std::max(ticket, broker.grow_topic(*topic, wanted.count));
  return {};
}

}  // namespace

void handle_create_topics(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::CreateTopicsRequest>(context, request, reply, [&](const protocol::CreateTopicsRequest& message) {
    if (names_too_many(context, request, reply, message.topics.size())) return;
    std::map<std::string_view, int> times;
    for (const auto& wanted : message.topics) ++times[wanted.name];
    protocol::CreateTopicsResponse response;
    storage::Ticket ticket = context.broker.topics_deleted_ticket();  // a name that is free may be so by a deletion
    const storage::Burst one_frame(context.broker.store());
    for (const auto& wanted : message.topics) {
      auto& named = times[wanted.name];
      if (named == 1) {
        response.topics.push_back(create(context, wanted, message.validate_only, ticket));
      } else if (named > 1) {
        protocol::CreatedTopic refused;
        refused.name = wanted.name;
        refused.error_code = ErrorCode::invalid_request;
        refused.error_message = "named more than once in the request";
        response.topics.push_back(std::move(refused));
        named = 0;  // said once
      }
    }
    answer(request, reply, response, ticket);
  });
}

void handle_delete_topics(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DeleteTopicsRequest>(context, request, reply, [&](const protocol::DeleteTopicsRequest& message) {
    const auto topics = named(message, request.header.version.value() >= 6);
    if (names_too_many(context, request, reply, topics.size())) return;
    auto& broker = context.broker;
    std::map<storage::TopicId, int> times;
    for (const auto& wanted : topics) {
      if (const auto* topic = find(context, wanted)) ++times[topic->id];
    }
    protocol::DeleteTopicsResponse response;
    storage::Ticket ticket = broker.topics_deleted_ticket();
    const storage::Burst one_frame(broker.store());
    for (const auto& wanted : topics) {
      auto* topic = find(context, wanted);
      protocol::DeletedTopic deleted;
      deleted.name = wanted.name;
      deleted.topic_id = wanted.topic_id;
      auto refusal = refuse_deletion(wanted, topic, topic != nullptr && times[topic->id] > 1);
      if (refusal) {
        deleted.error_code = refusal.error;
        deleted.error_message = std::move(refusal.message);
        if (topic != nullptr) ticket = std::max(ticket, topic->ticket);
      } else {
        deleted.name = topic->name;
        deleted.topic_id = topic->id;
        ticket = std::max(ticket, broker.delete_topic(*topic));
      }
      response.topics.push_back(std::move(deleted));
    }
    answer(request, reply, response, ticket);
  });
}

void handle_create_partitions(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::CreatePartitionsRequest>(
      context, request, reply, [&](const protocol::CreatePartitionsRequest& message) {
        if (names_too_many(context, request, reply, message.topics.size())) return;
        std::map<std::string_view, int> times;
        for (const auto& wanted : message.topics) ++times[wanted.name];
        protocol::CreatePartitionsResponse response;
        storage::Ticket ticket;
        const storage::Burst one_frame(context.broker.store());
        for (const auto& wanted : message.topics) {
          core::Refusal refusal{ErrorCode::invalid_request, "named more than once in the request"};
          if (times[wanted.name] == 1) refusal = grow(context, wanted, message.validate_only, ticket);
          protocol::CreatePartitionsResult result;
          result.name = wanted.name;
          result.error_code = refusal.error;
          if (refusal) result.error_message = std::move(refusal.message);
          response.results.push_back(std::move(result));
        }
        answer(request, reply, response, ticket);
      });
}

}  // namespace broker::handlers
