// ApiVersions, Metadata, DescribeCluster, FindCoordinator: who is here and what is served. Metadata makes topics that
// do not exist.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "broker/handlers/families.h"
#include "broker/protocol/api_table.h"
#include "broker/protocol/describe_cluster.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/metadata.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// Who can connect may do everything that is served here. The bits are the numbers of Kafka's operations.
constexpr std::int32_t bits(std::initializer_list<int> operations) {
  std::int32_t all = 0;
  for (const int operation : operations) all |= 1 << operation;
  return all;
}
// Read 3, write 4, create 5, delete 6, alter 7, describe 8, describe and alter configurations 10, 11; idempotent
// write 12.
constexpr std::int32_t kTopicOperations = bits({3, 4, 5, 6, 7, 8, 10, 11});
constexpr std::int32_t kClusterOperations = bits({5, 7, 8, 10, 11, 12});

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
    missing.error_code = made.refusal.error;
    topic = made.topic;
  } else if (topic == nullptr && wanted.name) {
    missing.error_code = core::valid_topic_name(*wanted.name) ? ErrorCode::unknown_topic_or_partition
                                                              : ErrorCode::invalid_topic_exception;
  } else if (topic == nullptr) {
    missing.error_code = ErrorCode::unknown_topic_id;
  }
  ticket = std::max(ticket, topic == nullptr ? broker.topics_deleted_ticket() : topic->ticket);
  return topic == nullptr ? missing : describe_topic(context, *topic);
}

// Each topic once, however often it is named: a small request must not ask for a huge answer.
std::vector<protocol::MetadataTopic> named_topics(Context& context, const protocol::MetadataRequest& message,
                                                  storage::Ticket& ticket) {
  const storage::Burst one_frame(context.broker.store());
  const bool may_make = message.allow_auto_topic_creation && context.broker.settings().auto_create_topics;
  std::set<std::pair<std::string_view, protocol::Uuid>> seen;
  std::vector<protocol::MetadataTopic> topics;
  for (const auto& wanted : *message.topics) {
    const auto id = wanted.name ? protocol::Uuid{} : wanted.topic_id;
    if (!seen.emplace(wanted.name ? std::string_view(*wanted.name) : std::string_view(), id).second) continue;
    topics.push_back(find_or_make(context, wanted, may_make, ticket));
  }
  return topics;
}

std::vector<protocol::MetadataTopic> all_topics(Context& context, storage::Ticket& ticket) {
  auto& broker = context.broker;
  ticket = std::max(ticket, broker.topics_deleted_ticket());
  std::vector<protocol::MetadataTopic> topics;
  topics.reserve(broker.state().topics().size());
  for (const auto& [name, topic] : broker.state().topics()) {
    ticket = std::max(ticket, topic->ticket);
    topics.push_back(describe_topic(context, *topic));
  }
  return topics;
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
    response.topics = all ? all_topics(context, ticket) : named_topics(context, message, ticket);
    if (message.include_topic_authorized_operations) {
      for (auto& topic : response.topics) topic.topic_authorized_operations = kTopicOperations;
    }
    if (message.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
    answer(request, reply, response, ticket);
  });
}

void handle_describe_cluster(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DescribeClusterRequest>(context, request, reply, [&](const auto& message) {
    constexpr std::int8_t kBrokers = 1;
    constexpr std::int8_t kControllers = 2;
    const auto& settings = context.broker.settings();
    protocol::DescribeClusterResponse response;
    response.endpoint_type = message.endpoint_type;
    if (message.endpoint_type != kBrokers) {
      const bool controllers = message.endpoint_type == kControllers;
      response.error_code = controllers ? ErrorCode::mismatched_endpoint_type : ErrorCode::unsupported_endpoint_type;
      response.error_message = "this address is a broker's: ask for endpoints of type 1";
      return answer(request, reply, response);
    }
    response.cluster_id = context.broker.cluster_id();
    response.controller_id = settings.node_id;
    protocol::DescribeClusterBroker self;
    self.broker_id = settings.node_id;
    self.host = settings.advertised_host;
    self.port = settings.advertised_port;
    response.brokers.push_back(std::move(self));
    if (message.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
    answer(request, reply, response);
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
