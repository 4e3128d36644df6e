// Reports as sentences.
#include "broker/core/retention_report.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace broker::core {
namespace {

// Topics for which `amount` is not 0, largest first.
template <class Amount>
std::vector<const TopicUsage*> largest(const RetentionReport& report, std::size_t most, Amount amount) {
  std::vector<const TopicUsage*> topics;
  for (const auto& topic : report.topics) {
    if (amount(topic) > 0) topics.push_back(&topic);
  }
  const auto count = std::min(most, topics.size());
  std::ranges::partial_sort(topics, topics.begin() + static_cast<std::ptrdiff_t>(count), std::ranges::greater(),
                            [&](const TopicUsage* topic) { return amount(*topic); });
  topics.resize(count);
  return topics;
}

std::uint64_t held_by_groups(const TopicUsage& topic) { return topic.groups_total > 0 ? topic.held_bytes : 0; }
std::uint64_t held_by_nobody(const TopicUsage& topic) { return topic.without_group() ? topic.bytes : 0; }

// As a shell takes it: groups may be called anything, and people paste what they read here.
std::string quoted(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (!name.empty() && name.front() != '-' && std::ranges::all_of(name, plain)) return std::string(name);
  std::string text = "'";
  for (const char c : name) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

void append(std::string& list, const std::string& one) {
  if (!list.empty()) list += ", ";
  list += one;
}

std::string configs_command(const TopicUsage& topic, const std::string& address) {
  return "kafka-configs.sh --bootstrap-server " + address + " --alter --entity-type topics --entity-name " +
         topic.name + " ";
}

// Frees what the topic's worst group holds.
std::string release_command(const TopicUsage& topic, const std::string& address) {
  const auto& group = topic.groups.front();
  const auto read = "let group " + group.name + " read";
  if (group.required) {
    std::string others;
    for (const auto& name : topic.required) {
      if (name != group.name) others += (others.empty() ? "" : ",") + name;
    }
    const auto edit = others.empty() ? "--delete-config outbox.required.groups"
                                     : "--add-config " + quoted("outbox.required.groups=[" + others + "]");
    return read + ", or no longer require it: " + configs_command(topic, address) + edit;
  }
  // Without its only group a topic is one that nobody has read, of which nothing goes.
  if (topic.groups_total == 1) {
    return read + "; when nobody will read the topic any more: " + configs_command(topic, address) +
           "--add-config outbox.retention=time";
  }
  return read + "; when it is gone for good: kafka-consumer-groups.sh --bootstrap-server " + address +
         " --delete-offsets --group " + quoted(group.name) + " --topic " + topic.name;
}

}  // namespace

std::string rough_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 10'240 && unit + 1 < kUnits.size()) {
    bytes /= 1'024;
    ++unit;
  }
  return std::to_string(bytes) + " " + std::string(kUnits[unit]);
}

std::string name_holders(const RetentionReport& report, std::size_t most) {
  std::string list;
  for (const auto* topic : largest(report, most, held_by_groups)) {
    const auto& first = topic->groups.front();
    append(list, topic->name + " " + rough_size(topic->held_bytes) + " (group " + first.name + " " +
                     rough_size(first.pinned_bytes) + ")");
  }
  return list;
}

std::string name_groupless(const RetentionReport& report, std::size_t most) {
  std::string list;
  for (const auto* topic : largest(report, most, held_by_nobody)) {
    append(list, topic->name + " " + rough_size(topic->bytes));
  }
  return list;
}

std::string freeing_command(const RetentionReport& report, const std::string& address) {
  const auto pinned = largest(report, 1, held_by_groups);
  const auto unread = largest(report, 1, held_by_nobody);
  if (!pinned.empty() && (unread.empty() || held_by_groups(*pinned[0]) >= held_by_nobody(*unread[0]))) {
    return release_command(*pinned[0], address);
  }
  if (unread.empty()) return {};
  return "when nobody will read it: " + configs_command(*unread[0], address) + "--add-config outbox.retention=time";
}

}  // namespace broker::core
