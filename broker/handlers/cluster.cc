// ApiVersions, Metadata, FindCoordinator: who is here and what is served. Metadata makes topics that do not exist.
#include <algorithm>
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/api_table.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/metadata.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

protocol::MetadataTopic describe_topic(Context& context, const core::Topic& topic) {
  protocol::MetadataTopic described;
  described.name = topic.name;
  described.topic_id = topic.id;
  described.partitions.reserve(static_cast<std::size_t>(topic.partitions));
  const auto node = context.broker.settings().node_id;
  const auto epoch = context.broker.store().leader_epoch();
  for (std::int32_t i = 0; i < topic.partitions; ++i) {
    protocol::MetadataPartition partition;
    partition.partition_index = i;
    partition.leader_id = node;
    partition.leader_epoch = epoch;
    partition.replica_nodes = {node};
    partition.isr_nodes = {node};
    described.partitions.push_back(std::move(partition));
  }
  return described;
}

// Found, made, or an error in words of the protocol.
protocol::MetadataTopic find_or_make(Context& context, const protocol::MetadataRequestTopic& wanted, bool may_make,
                                     storage::Ticket& ticket) {
  protocol::MetadataTopic missing;
  missing.name = wanted.name;
  missing.topic_id = wanted.topic_id;
  auto& broker = context.broker;
  auto* topic = wanted.name ? broker.state().find_topic(*wanted.name) : broker.state().find_topic(wanted.topic_id);
  if (topic == nullptr && wanted.name && may_make) {
    auto made = broker.make_topic(*wanted.name, -1, {});
    if (made.refusal) {
      missing.error_code = made.refusal.error;
      return missing;
    }
    topic = made.topic;
  }
  if (topic == nullptr) {
    missing.error_code = wanted.name ? ErrorCode::unknown_topic_or_partition : ErrorCode::unknown_topic_id;
    return missing;
  }
  ticket = std::max(ticket, topic->ticket);
  return describe_topic(context, *topic);
}

}  // namespace

void handle_api_versions(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ApiVersionsRequest>(context, request, reply, [&](const protocol::ApiVersionsRequest&) {
    answer(request, reply, protocol::api_versions_response());
  });
}

void handle_metadata(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::MetadataRequest>(context, request, reply, [&](const protocol::MetadataRequest& message) {
    auto& broker = context.broker;
    const auto& settings = broker.settings();
    protocol::MetadataResponse response;
    protocol::MetadataBroker self;
    self.node_id = settings.node_id;
    self.host = settings.advertised_host;
    self.port = settings.advertised_port;
    response.brokers.push_back(std::move(self));
    response.cluster_id = broker.cluster_id();
    response.controller_id = settings.node_id;

    storage::Ticket ticket;
    const bool all = !message.topics || (request.header.version.value() == 0 && message.topics->empty());
    if (all) {
      response.topics.reserve(broker.state().topics().size());
      for (const auto& [name, topic] : broker.state().topics()) {
        ticket = std::max(ticket, topic->ticket);
        response.topics.push_back(describe_topic(context, *topic));
      }
    } else {
      const storage::Burst one_frame(broker.store());
      const bool may_make = message.allow_auto_topic_creation && settings.auto_create_topics;
      for (const auto& wanted : *message.topics) {
        response.topics.push_back(find_or_make(context, wanted, may_make, ticket));
      }
    }
    answer(request, reply, response, ticket);
  });
}

void handle_find_coordinator(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::FindCoordinatorRequest>(context, request, reply, [&](const auto& message) {
    const auto& settings = context.broker.settings();
    const bool is_group = message.key_type == protocol::CoordinatorType::group;
    const auto coordinator = [&](const std::string& key) {
      protocol::Coordinator found;
      found.key = key;
      if (is_group) {
        found.node_id = settings.node_id;
        found.host = settings.advertised_host;
        found.port = settings.advertised_port;
      } else {
        found.error_code = ErrorCode::transactional_id_authorization_failed;
        found.error_message = "this broker has no transactions";
      }
      return found;
    };
    protocol::FindCoordinatorResponse response;
    if (request.header.version.value() >= 4) {
      for (const auto& key : message.coordinator_keys) response.coordinators.push_back(coordinator(key));
    } else {
      auto found = coordinator(message.key);
      response.error_code = found.error_code;
      response.error_message = found.error_message;
      response.node_id = found.node_id;
      response.host = found.host;
      response.port = found.port;
    }
    answer(request, reply, response);
  });
}

}  // namespace broker::handlers
