// Remembering what was fetched by name.
#include "broker/handlers/fetched_topics.h"

namespace broker::handlers {
namespace {

std::size_t index_of(storage::PartitionIndex partition) { return static_cast<std::size_t>(partition.value()); }

}  // namespace

void FetchedTopics::turn_to(Entry& entry, const storage::TopicId& topic) {
  if (entry.topic == topic) return;
  entry.topic = topic;
  if (entry.former.size() < entry.fetched.size()) entry.former.resize(entry.fetched.size());
  for (std::size_t i = 0; i < entry.fetched.size(); ++i) entry.former[i] = entry.former[i] || entry.fetched[i];
  entry.fetched.clear();
}

bool FetchedTopics::asks_with_former_offset(std::string_view name, const storage::TopicId& topic,
                                            storage::PartitionIndex partition) {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    if (by_name_.size() >= kNamesMax) return false;
    found = by_name_.emplace(name, Entry{.topic = topic, .fetched = {}, .former = {}}).first;
  }
  auto& entry = found->second;
  turn_to(entry, topic);
  const auto index = index_of(partition);
  if (entry.fetched.size() <= index) entry.fetched.resize(index + 1);
  entry.fetched[index] = true;
  const bool former = index < entry.former.size() && entry.former[index];
  if (former) entry.former[index] = false;
  return former;
}

void FetchedTopics::told_offset(std::string_view name, const storage::TopicId& topic,
                                storage::PartitionIndex partition) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  auto& entry = found->second;
  turn_to(entry, topic);
  if (index_of(partition) < entry.former.size()) entry.former[index_of(partition)] = false;
}

}  // namespace broker::handlers
