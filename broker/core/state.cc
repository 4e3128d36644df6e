// Applying the journal's records, and taking the snapshot that a checkpoint keeps.
#include "broker/core/state.h"

namespace broker::core {
namespace {

// Epoch starts kept per partition: an unclean start adds one, so a broker that crashes in a loop stays bounded.
constexpr std::size_t kEpochStartsMax = 64;

// Maps by partition lie together by topic: deleting many topics must not go over all partitions each time.
template <class Value>
void erase_topic(std::map<storage::PartitionRef, Value>& by_partition, const storage::TopicId& topic) {
  auto at = by_partition.lower_bound({topic, storage::PartitionIndex(0)});
  while (at != by_partition.end() && at->first.topic == topic) at = by_partition.erase(at);
}

}  // namespace

storage::GroupGeneration GroupRecord::whole() const {
  auto all = state;
  all.members.reserve(members.size());
  for (const auto& [id, member] : members) all.members.push_back(member);
  return all;
}

void State::apply(const storage::Record& record) {
  std::visit([this](const auto& one) { apply_one(one); }, record);
}

Topic* State::find_topic(std::string_view name) {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

Topic* State::find_topic(const storage::TopicId& id) {
  const auto found = topics_by_id_.find(id);
  return found == topics_by_id_.end() ? nullptr : found->second;
}

GroupRecord* State::find_group(std::string_view name) {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

const State::EpochStarts* State::epoch_starts(const storage::PartitionRef& partition) const {
  const auto found = epochs_.find(partition);
  return found == epochs_.end() ? nullptr : &found->second;
}

void State::apply_one(const storage::TopicMade& made) {
  if (topics_by_id_.contains(made.id) || topics_.contains(made.name)) return;
  auto topic = std::make_unique<Topic>();
  topic->id = made.id;
  topic->name = made.name;
  topic->partitions = made.partitions;
  topic->config.insert(made.config.begin(), made.config.end());
  topic->settings = settings_of(topic->config);
  partition_count_ += made.partitions;
  topics_by_id_[made.id] = topic.get();
  topics_[made.name] = std::move(topic);
}

void State::apply_one(const storage::TopicDeleted& deleted) {
  const auto found = topics_by_id_.find(deleted.id);
  if (found == topics_by_id_.end()) return;
  partition_count_ -= found->second->partitions;
  const std::string name = found->second->name;
  topics_by_id_.erase(found);
  topics_.erase(name);
  producers_.forget_topic(deleted.id);
  erase_topic(epochs_, deleted.id);
  for (auto& [group, record] : groups_) {
    erase_topic(record.offsets, deleted.id);
  }
}

void State::apply_one(const storage::PartitionsAdded& added) {
  auto* topic = find_topic(added.id);
  if (topic == nullptr) return;
  partition_count_ += added.total - topic->partitions;
  topic->partitions = added.total;
}

void State::apply_one(const storage::ConfigSet& set) {
  auto* topic = find_topic(set.id);
  if (topic == nullptr) return;
  if (set.value) {
    topic->config[set.name] = *set.value;
  } else {
    topic->config.erase(set.name);
  }
  topic->settings = settings_of(topic->config);
}

void State::apply_one(const storage::ClockMark& mark) {
  clock_ms_ = std::max(clock_ms_.value_or(mark.reading_ms), mark.reading_ms);
}

void State::apply_one(const storage::Append& append) {
  if (clock_ms_) clock_ms_ = std::max(*clock_ms_, append.appended_at_ms);
  if (topics_by_id_.contains(append.partition.topic)) producers_.apply(append);
}

void State::apply_one(const storage::GroupOffset& commit) {
  auto& record = groups_[commit.group];
  record.state.group = commit.group;
  if (commit.offset.value() < 0) {
    record.offsets.erase(commit.partition);
    return;
  }
  if (!topics_by_id_.contains(commit.partition.topic)) return;
  record.offsets[commit.partition] = {.offset = commit.offset,
                                      .leader_epoch = commit.leader_epoch,
                                      .metadata = commit.metadata,
                                      .committed_at_ms = commit.committed_at_ms,
                                      .ticket = {}};
}

// Its members are not known: they join anew, and generations go on counting from here.
void State::apply_one(const storage::GroupState& old) {
  if (old.deleted) {
    groups_.erase(old.group);
    return;
  }
  auto& record = groups_[old.group];
  record.state = {};
  record.state.group = old.group;
  record.state.generation = old.generation;
  record.state.protocol_type = old.protocol_type;
  record.members.clear();
}

void State::apply_one(const storage::GroupGeneration& change) {
  if (change.phase == storage::GroupPhase::dead) {
    groups_.erase(change.group);
    return;
  }
  auto& record = groups_[change.group];
  record.state = {.group = change.group,
                  .generation = change.generation,
                  .phase = change.phase,
                  .protocol_type = change.protocol_type,
                  .protocol = change.protocol,
                  .leader = change.leader,
                  .whole = true,
                  .removed = {},
                  .members = {}};
  if (change.whole) record.members.clear();
  for (const auto& id : change.removed) record.members.erase(id);
  for (const auto& member : change.members) record.members.insert_or_assign(member.id, member);
}

void State::apply_one(const storage::ProducerIdBlock& block) {
  next_producer_id_ = std::max(next_producer_id_, block.next);
}

void State::apply_one(const storage::ProducerState& producer) {
  if (topics_by_id_.contains(producer.partition.topic)) producers_.apply(producer);
}

void State::apply_one(const storage::EpochStarted& started) {
  for (const auto& [partition, start] : started.starts) {
    if (!topics_by_id_.contains(partition.topic)) continue;
    auto& starts = epochs_[partition];
    // An epoch under which nothing was appended leaves no trace.
    while (!starts.empty() && (starts.back().second >= start || starts.back().first >= started.epoch)) {
      starts.pop_back();
    }
    starts.emplace_back(started.epoch, start);
    if (starts.size() > kEpochStartsMax) starts.erase(starts.begin());
  }
}

std::vector<storage::Record> State::snapshot() const {
  std::vector<storage::Record> records;
  records.reserve(topics_.size() + groups_.size() + producers_.size());
  for (const auto& [name, topic] : topics_) {
    records.emplace_back(storage::TopicMade{.id = topic->id,
                                            .name = topic->name,
                                            .partitions = topic->partitions,
                                            .config = {topic->config.begin(), topic->config.end()}});
  }
  for (const auto& [name, group] : groups_) {
    records.emplace_back(group.whole());
    for (const auto& [partition, commit] : group.offsets) {
      records.emplace_back(storage::GroupOffset{.group = name,
                                                .partition = partition,
                                                .offset = commit.offset,
                                                .leader_epoch = commit.leader_epoch,
                                                .metadata = commit.metadata,
                                                .committed_at_ms = commit.committed_at_ms});
    }
  }
  if (next_producer_id_.value() > 0) records.emplace_back(storage::ProducerIdBlock{.next = next_producer_id_});
  for (auto& producer : producers_.snapshot()) records.emplace_back(std::move(producer));
  std::map<std::int32_t, storage::EpochStarted> epochs;
  for (const auto& [partition, starts] : epochs_) {
    for (const auto& [epoch, start] : starts) epochs[epoch].starts.emplace_back(partition, start);
  }
  for (auto& [epoch, started] : epochs) {
    started.epoch = epoch;
    records.emplace_back(std::move(started));
  }
  if (clock_ms_) records.emplace_back(storage::ClockMark{.reading_ms = *clock_ms_});
  return records;
}

}  // namespace broker::core
