// Remembering what was fetched by name.
#include "broker/handlers/fetched_topics.h"

namespace broker::handlers {
namespace {

constexpr std::size_t kEntryBytes = 160;       // about
constexpr std::size_t kPartitionsPerByte = 4;  // a bit each in two rows

std::size_t index_of(storage::PartitionIndex partition) { return static_cast<std::size_t>(partition.value()); }

}  // namespace

bool FetchedTopics::take_room(std::size_t bytes) {
  if (bytes_ + bytes > kBytesMax) return false;
  bytes_ += bytes;
  return true;
}

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
    if (!take_room(kEntryBytes + name.size())) return false;
    found = by_name_.emplace(name, Entry{.topic = topic, .fetched = {}, .former = {}}).first;
  }
  auto& entry = found->second;
  turn_to(entry, topic);
  const auto index = index_of(partition);
  if (entry.fetched.size() <= index && take_room((index + 1 - entry.fetched.size()) / kPartitionsPerByte)) {
    entry.fetched.resize(index + 1);
  }
  if (index < entry.fetched.size()) entry.fetched[index] = true;
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
