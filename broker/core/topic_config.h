// Topics' configuration: the one table of names, defaults and ranges, and the settings that follow from it.
// Pure; nothing here blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace broker::core {

enum class ConfigKind {
  whole_number,
  choice,
  list,  // items separated by ','; of `choices` when there are some
  read_only,
};
inline constexpr std::size_t kConfigValueBytesMax = 8'192;

struct TopicConfigKey {
  std::string_view name;
  ConfigKind kind;
  std::string_view value_default;
  std::int64_t min = 0;  // of a whole number
  std::int64_t max = 0;
  std::string_view choices = {};  // separated by '|'
  std::string_view help;
  std::string_view hint = {};  // what a refusal adds
};

// In the order in which DescribeConfigs shows them. `outbox.topic.id` is filled in by whoever describes a topic.
[[nodiscard]] std::span<const TopicConfigKey> topic_config_keys();
// Null: no such key.
[[nodiscard]] const TopicConfigKey* find_topic_config_key(std::string_view name);
inline constexpr std::string_view kTopicIdKey = "outbox.topic.id";
// As `outbox.topic.id` shows it: 8-4-4-4-12 hexadecimal digits.
[[nodiscard]] std::string uuid_text(const std::array<std::uint8_t, 16>& id);

// None: the pair is acceptable. Otherwise a sentence that names the key, the value and what would do.
[[nodiscard]] std::optional<std::string> refuse_config(std::string_view name, std::string_view value);
// The same for a key that goes back to its default.
[[nodiscard]] std::optional<std::string> refuse_config_name(std::string_view name);

// A list with the items of another added (none twice), or without them.
[[nodiscard]] std::string list_with(std::string_view list, std::string_view items);
[[nodiscard]] std::string list_without(std::string_view list, std::string_view items);

// What the broker acts on, computed once per topic.
struct TopicSettings {
  std::int64_t max_message_bytes = 0;
  std::int64_t retention_ms = 0;     // −1: for ever
  std::int64_t retention_bytes = 0;  // −1: no limit
  bool log_append_time = false;
  bool keep_until_consumed = true;           // outbox.retention
  std::vector<std::string> required_groups;  // outbox.required.groups, in order, each once
};
[[nodiscard]] TopicSettings settings_of(const std::map<std::string, std::string, std::less<>>& config);

// `[A-Za-z0-9._-]{1,249}`, not "." or "..".
[[nodiscard]] bool valid_topic_name(std::string_view name);

}  // namespace broker::core
