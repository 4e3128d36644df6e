// The table of topic configurations.
#include "broker/core/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "common/ensure.h"

namespace broker::core {
namespace {

constexpr std::int64_t kMax64 = std::numeric_limits<std::int64_t>::max();

constexpr auto kKeys = std::to_array<TopicConfigKey>({
    {.name = "cleanup.policy",
     .kind = ConfigKind::choice,
     .value_default = "delete",
     .choices = "delete",
     .help = "Old segments are deleted; compaction is not offered."},
    {.name = "compression.type",
     .kind = ConfigKind::choice,
     .value_default = "producer",
     .choices = "producer",
     .help = "Batches are stored as the producer compressed them."},
    {.name = "max.message.bytes",
     .kind = ConfigKind::whole_number,
     .value_default = "1048588",
     .min = 128,
     .max = 15LL << 20,
     .help = "The largest record batch that is accepted."},
    {.name = "message.timestamp.type",
     .kind = ConfigKind::choice,
     .value_default = "CreateTime",
     .choices = "CreateTime|LogAppendTime",
     .help = "Whether a record carries its producer's time or the broker's."},
    {.name = "min.insync.replicas",
     .kind = ConfigKind::whole_number,
     .value_default = "1",
     .min = 1,
     .max = 1,
     .help = "One broker, one copy: only 1."},
    {.name = "retention.bytes",
     .kind = ConfigKind::whole_number,
     .value_default = "-1",
     .min = -1,
     .max = kMax64,
     .help = "Beyond this size a partition's oldest consumed segments may go; -1: no limit."},
    {.name = "retention.ms",
     .kind = ConfigKind::whole_number,
     .value_default = "604800000",
     .min = -1,
     .max = kMax64,
     .help = "After this time a consumed segment may go; -1: never."},
    {.name = "outbox.retention",
     .kind = ConfigKind::choice,
     .value_default = "consumed",
     .choices = "consumed|time",
     .help = "consumed: nothing goes before every known group has committed past it; time: only time and size count."},
    {.name = kTopicIdKey,
     .kind = ConfigKind::read_only,
     .value_default = "",
     .help = "The topic's uuid: a topic made anew under an old name has another one."},
});

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool one_of(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

const TopicConfigKey* find_key(std::string_view name) {
  const auto found = std::ranges::find(kKeys, name, &TopicConfigKey::name);
  return found == kKeys.end() ? nullptr : &*found;
}

std::string_view value_of(const std::map<std::string, std::string, std::less<>>& config, std::string_view name) {
  if (const auto found = config.find(name); found != config.end()) return found->second;
  return find_key(name)->value_default;
}

std::int64_t number_of(const std::map<std::string, std::string, std::less<>>& config, std::string_view name) {
  const auto number = whole_number(value_of(config, name));
  ENSURE(number.has_value(), "a stored configuration was checked before it was stored");
  return *number;
}

}  // namespace

std::span<const TopicConfigKey> topic_config_keys() { return kKeys; }

std::optional<std::string> refuse_config(std::string_view name, std::string_view value) {
  const auto* key = find_key(name);
  if (key == nullptr) return "unknown topic configuration '" + std::string(name.substr(0, 100)) + "'";
  const std::string what = std::string(name) + " = '" + std::string(value.substr(0, 100)) + "'";
  switch (key->kind) {
    case ConfigKind::read_only:
      return std::string(name) + " cannot be set";
    case ConfigKind::choice:
      if (one_of(key->choices, value)) return std::nullopt;
      return what + ": must be " + std::string(key->choices);
    case ConfigKind::whole_number:
      break;
  }
  const auto number = whole_number(value);
  if (number && *number >= key->min && *number <= key->max) return std::nullopt;
  return what + ": must be a whole number from " + std::to_string(key->min) + " to " + std::to_string(key->max);
}

TopicSettings settings_of(const std::map<std::string, std::string, std::less<>>& config) {
  TopicSettings settings;
  settings.max_message_bytes = number_of(config, "max.message.bytes");
  settings.retention_ms = number_of(config, "retention.ms");
  settings.retention_bytes = number_of(config, "retention.bytes");
  settings.log_append_time = value_of(config, "message.timestamp.type") == "LogAppendTime";
  settings.keep_until_consumed = value_of(config, "outbox.retention") == "consumed";
  return settings;
}

bool valid_topic_name(std::string_view name) {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace broker::core
