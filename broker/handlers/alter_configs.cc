// AlterConfigs and IncrementalAlterConfigs: topics' settings at run time. Per topic all of a request or nothing. The
// broker's own settings stand in its file and are read at its start.
#include "broker/protocol/alter_configs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/families.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// What a resource's entries come to; a refusal where they make no sense.
struct Edits {
  core::Refusal refusal;
  std::vector<core::ConfigEdit> edits;
};

Edits refused(ErrorCode error, std::string message) { return {{error, std::move(message)}, {}}; }

// Tools that read all settings and write them back name the read-only one too: nothing changes by that.
bool is_own_id(const core::Topic& topic, const std::string& name, const std::optional<std::string>& value) {
  return name == core::kTopicIdKey && value == core::uuid_text(topic.id);
}

// All that is to be set: what is not named returns to its default.
Edits edits_of(const core::Topic& topic, const std::vector<protocol::AlterableConfig>& configs) {
  Edits result;
  for (const auto& config : configs) {
    if (!config.value) return refused(ErrorCode::invalid_request, config.name + " has no value");
    if (!is_own_id(topic, config.name, config.value)) result.edits.push_back({config.name, config.value});
  }
  for (const auto& [name, value] : topic.config) {
    if (std::ranges::find(configs, name, &protocol::AlterableConfig::name) != configs.end()) continue;
    result.edits.push_back({name, std::nullopt});
  }
  return result;
}

// A list with items more or fewer than the topic has now.
Edits edited_list(const core::Topic& topic, const protocol::IncrementalConfig& config) {
  const auto* key = core::find_topic_config_key(config.name);
  if (key == nullptr || key->kind != core::ConfigKind::list) {
    return refused(ErrorCode::invalid_config, config.name + " is no list: it can be set or deleted");
  }
  const auto set = topic.config.find(config.name);
  const auto now = set == topic.config.end() ? std::string(key->value_default) : set->second;
  const bool append = config.operation == protocol::ConfigOperation::append;
  const auto value = config.value.value_or(std::string());
  return {{}, {{config.name, append ? core::list_with(now, value) : core::list_without(now, value)}}};
}

Edits edits_of(const core::Topic& topic, const std::vector<protocol::IncrementalConfig>& configs) {
  Edits result;
  for (const auto& config : configs) {
    if (!config.value && config.operation != protocol::ConfigOperation::remove) {
      return refused(ErrorCode::invalid_request, config.name + " has no value");
    }
    switch (config.operation) {
      case protocol::ConfigOperation::set:
        if (!is_own_id(topic, config.name, config.value)) result.edits.push_back({config.name, config.value});
        break;
      case protocol::ConfigOperation::remove:
        result.edits.push_back({config.name, std::nullopt});
        break;
      case protocol::ConfigOperation::append:
      case protocol::ConfigOperation::subtract: {
        auto one = edited_list(topic, config);
        if (one.refusal) return one;
        result.edits.push_back(std::move(one.edits.front()));
        break;
      }
      default:
        return refused(ErrorCode::invalid_request,
                       "unknown operation " + std::to_string(static_cast<int>(config.operation)));
    }
  }
  return result;
}

core::Refusal refuse_resource(protocol::ConfigResource type, const std::string& name, const core::Topic* topic) {
  switch (type) {
    case protocol::ConfigResource::topic:
      if (topic != nullptr) return {};
      return {ErrorCode::unknown_topic_or_partition, "no topic '" + name.substr(0, 249) + "'"};
    case protocol::ConfigResource::broker:
      return {ErrorCode::invalid_request, "the broker's settings stand in its configuration file (--config)"};
    case protocol::ConfigResource::unknown:
    case protocol::ConfigResource::broker_logger:
    default:
      return {ErrorCode::invalid_request, "only topics' configurations can be altered"};
  }
}

template <class Resource>
core::Refusal alter(Context& context, const Resource& resource, bool validate_only, storage::Ticket& ticket) {
  auto& broker = context.broker;
  auto* topic = broker.state().find_topic(resource.resource_name);
  if (auto refusal = refuse_resource(resource.resource_type, resource.resource_name, topic)) {
    ticket = std::max(ticket, broker.topics_deleted_ticket());
    return refusal;
  }
  ticket = std::max(ticket, topic->ticket);
  auto [refusal, edits] = edits_of(*topic, resource.configs);
  if (!refusal) refusal = broker.refuse_edits(edits);
  if (!refusal && !validate_only) ticket = std::max(ticket, broker.configure_topic(*topic, edits));
  return refusal;
}

template <class Message, class Response>
void handle_altering(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<Message>(context, request, reply, [&](const Message& message) {
    if (names_too_many(context, request, reply, message.resources.size())) return;
    std::map<std::pair<protocol::ConfigResource, std::string_view>, int> times;
    for (const auto& resource : message.resources) ++times[{resource.resource_type, resource.resource_name}];
    Response response;
    storage::Ticket ticket;
    const storage::Burst one_frame(context.broker.store());
    for (const auto& resource : message.resources) {
      core::Refusal refusal{ErrorCode::invalid_request, "named more than once in the request"};
      if (times[{resource.resource_type, resource.resource_name}] == 1) {
        refusal = alter(context, resource, message.validate_only, ticket);
      }
      protocol::AlterConfigsResult result;
      result.resource_type = resource.resource_type;
      result.resource_name = resource.resource_name;
      result.error_code = refusal.error;
      if (refusal) result.error_message = std::move(refusal.message);
      response.responses.push_back(std::move(result));
    }
    answer(request, reply, response, ticket);
  });
}

}  // namespace

void handle_alter_configs(Context& context, const Request& request, const ReplyPtr& reply) {
  handle_altering<protocol::AlterConfigsRequest, protocol::AlterConfigsResponse>(context, request, reply);
}

void handle_incremental_alter_configs(Context& context, const Request& request, const ReplyPtr& reply) {
  handle_altering<protocol::IncrementalAlterConfigsRequest, protocol::IncrementalAlterConfigsResponse>(context, request,
                                                                                                       reply);
}

}  // namespace broker::handlers
