// The table of topic configurations.
#include "broker/core/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "broker/storage/file.h"

namespace broker::core {
namespace {

constexpr std::int64_t kMax64 = std::numeric_limits<std::int64_t>::max();

constexpr auto kKeys = std::to_array<TopicConfigKey>({
    {.name = "cleanup.policy",
     .kind = ConfigKind::list,
     .value_default = "delete",
     .choices = "delete",
     .help = "Old segments are deleted; compaction is not offered.",
     .hint = "this broker does not compact; a topic that needs it belongs on Apache Kafka"},
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
    {.name = "outbox.required.groups",
     .kind = ConfigKind::list,
     .value_default = "",
     .help = "Groups, separated by commas, that count for outbox.retention=consumed even before their first commit."},
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

// `text` cut at ',', without spaces around the items and without empty ones.
std::vector<std::string_view> items_of(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto item = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const auto first = item.find_first_not_of(' ');
    if (first == std::string_view::npos) continue;
    item = item.substr(first, item.find_last_not_of(' ') - first + 1);
    items.push_back(item);
  }
  return items;
}

std::string joined(const std::vector<std::string_view>& items) {
  std::string text;
  for (const auto item : items) text.append(text.empty() ? "" : ",").append(item);
  return text;
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

// In order, each once.
std::vector<std::string> set_of(std::string_view list) {
  const auto items = items_of(list);
  std::vector<std::string> entries(items.begin(), items.end());
  std::ranges::sort(entries);
  const auto again = std::ranges::unique(entries);
  entries.erase(again.begin(), again.end());
  return entries;
}

std::string_view value_of(const std::map<std::string, std::string, std::less<>>& config, std::string_view name) {
  if (const auto found = config.find(name); found != config.end()) return found->second;
  return find_topic_config_key(name)->value_default;
}

std::int64_t number_of(const std::map<std::string, std::string, std::less<>>& config, std::string_view name) {
  const auto number = whole_number(value_of(config, name));
  // It was checked before it was stored: another program stored this, and the start is refused in words.
  if (!number) throw storage::CorruptError("setting " + std::string(name) + " is no number");
  return *number;
}

std::string shortened(std::string_view text) { return std::string(text.substr(0, 100)); }

// None: it will do. Otherwise what would.
std::optional<std::string> demand(const TopicConfigKey& key, std::string_view value) {
  switch (key.kind) {
    case ConfigKind::read_only:
      return "it cannot be set";
    case ConfigKind::choice:
      if (one_of(key.choices, value)) return std::nullopt;
      return "must be " + std::string(key.choices);
    case ConfigKind::list: {
      if (key.choices.empty()) return std::nullopt;
      const auto items = items_of(value);
      const bool known = std::ranges::all_of(items, [&key](auto item) { return one_of(key.choices, item); });
      if (known && !items.empty()) return std::nullopt;
      return "must be of " + std::string(key.choices);
    }
    case ConfigKind::whole_number:
      break;
  }
  const auto number = whole_number(value);
  if (number && *number >= key.min && *number <= key.max) return std::nullopt;
  return "must be a whole number from " + std::to_string(key.min) + " to " + std::to_string(key.max);
}

}  // namespace

std::span<const TopicConfigKey> topic_config_keys() { return kKeys; }

const TopicConfigKey* find_topic_config_key(std::string_view name) {
  const auto found = std::ranges::find(kKeys, name, &TopicConfigKey::name);
  return found == kKeys.end() ? nullptr : &*found;
}

std::string uuid_text(const std::array<std::uint8_t, 16>& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[id[i] >> 4]);
    text.push_back(kDigits[id[i] & 0x0f]);
  }
  return text;
}

std::optional<std::string> refuse_config_name(std::string_view name) {
  const auto* key = find_topic_config_key(name);
  if (key == nullptr) return "unknown topic configuration '" + shortened(name) + "'";
  if (key->kind == ConfigKind::read_only) return std::string(name) + " cannot be set";
  return std::nullopt;
}

std::optional<std::string> refuse_config(std::string_view name, std::string_view value) {
  if (auto why = refuse_config_name(name)) return why;
  const auto& key = *find_topic_config_key(name);
  auto wrong = demand(key, value);
  if (value.size() > kConfigValueBytesMax) {
    wrong = "must not be longer than " + std::to_string(kConfigValueBytesMax) + " bytes";
  }
  if (!wrong) return std::nullopt;
  const auto hint = key.hint.empty() ? std::string() : "; " + std::string(key.hint);
  return std::string(name) + " = '" + shortened(value) + "': " + *wrong + hint;
}

std::string list_with(std::string_view list, std::string_view items) {
  auto all = items_of(list);
  for (const auto item : items_of(items)) {
    if (std::ranges::find(all, item) == all.end()) all.push_back(item);
  }
  return joined(all);
}

std::string list_without(std::string_view list, std::string_view items) {
  auto all = items_of(list);
  const auto gone = items_of(items);
  std::erase_if(all, [&gone](auto item) { return std::ranges::find(gone, item) != gone.end(); });
  return joined(all);
}

TopicSettings settings_of(const std::map<std::string, std::string, std::less<>>& config) {
  TopicSettings settings;
  settings.max_message_bytes = number_of(config, "max.message.bytes");
  settings.retention_ms = number_of(config, "retention.ms");
  settings.retention_bytes = number_of(config, "retention.bytes");
  settings.log_append_time = value_of(config, "message.timestamp.type") == "LogAppendTime";
  settings.keep_until_consumed = value_of(config, "outbox.retention") == "consumed";
  settings.required_groups = set_of(value_of(config, "outbox.required.groups"));
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
