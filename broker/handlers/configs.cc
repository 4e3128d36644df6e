// DescribeConfigs: topics' settings, and the few of the broker that clients ask for.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "broker/handlers/families.h"
#include "broker/protocol/describe_configs.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

std::string uuid_text(const storage::TopicId& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[id[i] >> 4]);
    text.push_back(kDigits[id[i] & 0x0f]);
  }
  return text;
}

bool wants(const protocol::DescribeConfigsResource& resource, std::string_view key) {
  return !resource.configuration_keys ||
         std::ranges::find(*resource.configuration_keys, key) != resource.configuration_keys->end();
}

void describe_topic(Context& context, const protocol::DescribeConfigsRequest& message,
                    const protocol::DescribeConfigsResource& resource, protocol::DescribeConfigsResult& result,
                    storage::Ticket& ticket) {
  const auto* topic = context.broker.state().find_topic(resource.resource_name);
  if (topic == nullptr) {
    result.error_code = ErrorCode::unknown_topic_or_partition;
    result.error_message = "no topic '" + resource.resource_name.substr(0, 249) + "'";
    return;
  }
  ticket = std::max(ticket, topic->ticket);
  for (const auto& key : core::topic_config_keys()) {
    if (!wants(resource, key.name)) continue;
    const auto set = topic->config.find(key.name);
    const bool is_set = set != topic->config.end();
    protocol::DescribedConfig config;
    config.name = key.name;
    config.value = is_set ? set->second : std::string(key.value_default);
    config.read_only = key.kind == core::ConfigKind::read_only;
    if (key.name == core::kTopicIdKey) config.value = uuid_text(topic->id);
    config.is_default = !is_set;
    config.config_source = is_set ? protocol::ConfigSource::topic : protocol::ConfigSource::default_value;
    config.config_type =
        key.kind == core::ConfigKind::whole_number ? protocol::ConfigType::int64 : protocol::ConfigType::string;
    if (message.include_synonyms && is_set) {
      config.synonyms.push_back({std::string(key.name), config.value, protocol::ConfigSource::topic});
    }
    if (message.include_synonyms && !config.read_only) {
      config.synonyms.push_back(
          {std::string(key.name), std::string(key.value_default), protocol::ConfigSource::default_value});
    }
    if (message.include_documentation) config.documentation = std::string(key.help);
    result.configs.push_back(std::move(config));
  }
}

void describe_broker(Context& context, const protocol::DescribeConfigsResource& resource,
                     protocol::DescribeConfigsResult& result) {
  const auto& settings = context.broker.settings();
  if (!resource.resource_name.empty() && resource.resource_name != std::to_string(settings.node_id)) {
    result.error_code = ErrorCode::invalid_request;
    result.error_message = "the only broker is " + std::to_string(settings.node_id);
    return;
  }
  const std::array<std::pair<std::string_view, std::string>, 4> values{{
      {"auto.create.topics.enable", settings.auto_create_topics ? "true" : "false"},
      {"broker.id", std::to_string(settings.node_id)},
      {"default.replication.factor", "1"},
      {"num.partitions", std::to_string(settings.partitions_default)},
  }};
  for (const auto& [name, value] : values) {
    if (!wants(resource, name)) continue;
    protocol::DescribedConfig config;
    config.name = name;
    config.value = value;
    config.read_only = true;
    config.config_source = protocol::ConfigSource::static_broker;
    config.config_type = protocol::ConfigType::string;
    result.configs.push_back(std::move(config));
  }
}

}  // namespace

void handle_describe_configs(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::DescribeConfigsRequest>(
      context, request, reply, [&](const protocol::DescribeConfigsRequest& message) {
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
              describe_broker(context, resource, result);
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
