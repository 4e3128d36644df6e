// DescribeConfigs: topics' settings, and the few of the broker that clients ask for.
#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "broker/handlers/families.h"
#include "broker/protocol/describe_configs.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// No keys and no list of keys both mean all of them, as Kafka reads it.
bool wants(const protocol::DescribeConfigsResource& resource, std::string_view key) {
  const auto& keys = resource.configuration_keys;
  return !keys || keys->empty() || std::ranges::find(*keys, key) != keys->end();
}

protocol::ConfigType type_of(const core::TopicConfigKey& key) {
  switch (key.kind) {
    case core::ConfigKind::whole_number:
      return key.max <= std::numeric_limits<std::int32_t>::max() ? protocol::ConfigType::int32
                                                                 : protocol::ConfigType::int64;
    case core::ConfigKind::list:
      return protocol::ConfigType::list;
    case core::ConfigKind::choice:
    case core::ConfigKind::read_only:
      break;
  }
  return protocol::ConfigType::string;
}

protocol::DescribedConfig describe_key(const core::Topic& topic, const core::TopicConfigKey& key,
                                       bool include_synonyms) {
  const auto set = topic.config.find(key.name);
  const bool is_set = set != topic.config.end();
  protocol::DescribedConfig config;
  config.name = key.name;
  config.value = is_set ? set->second : std::string(key.value_default);
  config.read_only = key.kind == core::ConfigKind::read_only;
  if (key.name == core::kTopicIdKey) config.value = core::uuid_text(topic.id);
  config.is_default = !is_set;
  config.config_source = is_set ? protocol::ConfigSource::topic : protocol::ConfigSource::default_value;
  config.config_type = type_of(key);
  if (!include_synonyms) return config;
  if (is_set) config.synonyms.push_back({config.name, config.value, protocol::ConfigSource::topic});
  if (!config.read_only) {
    config.synonyms.push_back({config.name, std::string(key.value_default), protocol::ConfigSource::default_value});
  }
  return config;
}

void describe_topic(Context& context, const protocol::DescribeConfigsRequest& message,
                    const protocol::DescribeConfigsResource& resource, protocol::DescribeConfigsResult& result,
                    storage::Ticket& ticket) {
  const auto* topic = context.broker.state().find_topic(resource.resource_name);
  if (topic == nullptr) {
    ticket = std::max(ticket, context.broker.topics_deleted_ticket());
    result.error_code = ErrorCode::unknown_topic_or_partition;
    result.error_message = "no topic '" + resource.resource_name.substr(0, 249) + "'";
    return;
  }
  ticket = std::max(ticket, topic->ticket);
  for (const auto& key : core::topic_config_keys()) {
    if (!wants(resource, key.name)) continue;
    auto config = describe_key(*topic, key, message.include_synonyms);
    if (message.include_documentation) config.documentation = std::string(key.help);
    result.configs.push_back(std::move(config));
  }
}

struct BrokerSetting {
  std::string_view name;
  std::string value;
  protocol::ConfigType type;
  std::string_view help;
};

// What clients and tools look for under Kafka's names. All come from the broker's file and flags.
std::vector<BrokerSetting> broker_settings(const core::BrokerSettings& settings) {
  using protocol::ConfigType;
  const auto node = std::to_string(settings.node_id);
  return {
      {"advertised.listeners",
       "PLAINTEXT://" + settings.advertised_host + ":" + std::to_string(settings.advertised_port), ConfigType::string,
       "Where clients are told to connect (--advertise)."},
      {"auto.create.topics.enable", settings.auto_create_topics ? "true" : "false", ConfigType::boolean,
       "Topics that clients name and that do not exist are made ([topics] auto_create)."},
      {"broker.id", node, ConfigType::int32, "The number of this broker; there is no other."},
      {"default.replication.factor", "1", ConfigType::int32, "One broker, one copy."},
      {"delete.topic.enable", "true", ConfigType::boolean, "Topics can be deleted."},
      {"min.insync.replicas", "1", ConfigType::int32, "One broker, one copy."},
      {"node.id", node, ConfigType::int32, "The number of this broker; there is no other."},
      {"num.partitions", std::to_string(settings.partitions_default), ConfigType::int32,
       "Partitions of a topic that is made without a number ([topics] partitions)."},
  };
}

void describe_broker(Context& context, const protocol::DescribeConfigsRequest& message,
                     const protocol::DescribeConfigsResource& resource, protocol::DescribeConfigsResult& result) {
  const auto& settings = context.broker.settings();
  if (resource.resource_name.empty()) return;  // what was set for all brokers at run time: nothing can be
  if (resource.resource_name != std::to_string(settings.node_id)) {
    result.error_code = ErrorCode::invalid_request;
    result.error_message = "the only broker is " + std::to_string(settings.node_id);
    return;
  }
  for (const auto& setting : broker_settings(settings)) {
    if (!wants(resource, setting.name)) continue;
    protocol::DescribedConfig config;
    config.name = setting.name;
    config.value = setting.value;
    config.read_only = true;
    config.config_source = protocol::ConfigSource::static_broker;
    config.config_type = setting.type;
    if (message.include_synonyms) {
      config.synonyms.push_back({config.name, config.value, protocol::ConfigSource::static_broker});
    }
    if (message.include_documentation) config.documentation = std::string(setting.help);
    result.configs.push_back(std::move(config));
  }
}

}  // namespace

void handle_describe_configs(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DescribeConfigsRequest>(
      context, request, reply, [&](const protocol::DescribeConfigsRequest& message) {
        if (names_too_many(context, request, reply, message.resources.size())) return;
        protocol::DescribeConfigsResponse response;
        storage::Ticket ticket;
        for (const auto& resource : message.resources) {
          protocol::DescribeConfigsResult result;
          result.resource_type = resource.resource_type;
          result.resource_name = resource.resource_name;
          switch (resource.resource_type) {
            case protocol::ConfigResource::topic:
              describe_topic(context, message, resource, result, ticket);
              break;
            case protocol::ConfigResource::broker:
              describe_broker(context, message, resource, result);
              break;
            case protocol::ConfigResource::unknown:
            case protocol::ConfigResource::broker_logger:
            default:
              result.error_code = ErrorCode::invalid_request;
              result.error_message = "only topics and brokers have configurations here";
          }
          response.results.push_back(std::move(result));
        }
        answer(request, reply, response, ticket);
      });
}

}  // namespace broker::handlers
