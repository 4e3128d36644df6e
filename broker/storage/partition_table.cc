// All partitions' logs, made and dropped as the records about topics say.
#include "broker/storage/partition_table.h"

#include <algorithm>

namespace broker::storage {

namespace {
PartitionRef first_of(const TopicId& topic) { return {topic, PartitionIndex(0)}; }
}  // namespace

void PartitionTable::load(const std::vector<PartitionMark>& marks) {
  for (const PartitionMark& mark : marks) {
    logs_[mark.partition] = std::make_shared<PartitionLog>(mark, access_);
    std::int32_t& count = counts_[first_of(mark.partition.topic)];
    count = std::max(count, mark.partition.partition.value() + 1);
  }
}

std::shared_ptr<PartitionLog> PartitionTable::find(const PartitionRef& ref) const {
  const auto found = logs_.find(ref);
  return found == logs_.end() ? nullptr : found->second;
}

void PartitionTable::grow(const TopicId& topic, std::int32_t partitions) {
  std::int32_t& count = counts_[first_of(topic)];
  for (; count < partitions; ++count) {
    const PartitionRef ref{topic, PartitionIndex(count)};
    logs_[ref] = std::make_shared<PartitionLog>(ref, access_);
  }
}

void PartitionTable::apply(const Record& record) {
  if (const auto* made = std::get_if<TopicMade>(&record)) {
    grow(made->id, made->partitions);
  } else if (const auto* added = std::get_if<PartitionsAdded>(&record)) {
    grow(added->id, added->total);
  } else if (const auto* deleted = std::get_if<TopicDeleted>(&record)) {
    const auto count = counts_.find(first_of(deleted->id));
    if (count == counts_.end()) return;
    for (std::int32_t i = 0; i < count->second; ++i) {
      const auto log = logs_.find({deleted->id, PartitionIndex(i)});
      for (auto& file : log->second->take_files()) obsolete_.segments.push_back(std::move(file));
      logs_.erase(log);
    }
    counts_.erase(count);
    std::erase_if(losses_, [&](const LossAccepted& loss) { return loss.partition.topic == deleted->id; });
    obsolete_.topics.push_back(deleted->id);
  } else if (const auto* loss = std::get_if<LossAccepted>(&record)) {
    losses_.push_back(*loss);
  } else if (const auto* moved = std::get_if<LogStartMoved>(&record)) {
    if (const auto log = find(moved->partition)) {
      for (auto& file : log->move_start(moved->start)) obsolete_.segments.push_back(std::move(file));
    }
  }
}

std::vector<PartitionMark> PartitionTable::marks() const {
  std::vector<PartitionMark> marks;
  marks.reserve(logs_.size());
  for (const auto& [ref, log] : logs_) marks.push_back(log->mark());
  std::ranges::sort(marks, {}, &PartitionMark::partition);
  return marks;
}

std::vector<IndexWrite> PartitionTable::take_indexes(std::uint64_t bytes_min, bool last) {
  std::vector<IndexWrite> writes;
  for (const auto& [ref, log] : logs_) log->take_indexes(bytes_min, last, writes);
  return writes;
}

std::vector<std::pair<PartitionRef, Offset>> PartitionTable::ends() const {
  std::vector<std::pair<PartitionRef, Offset>> ends;
  ends.reserve(logs_.size());
  for (const auto& [ref, log] : logs_) ends.emplace_back(ref, log->bounds().end);
  std::ranges::sort(ends);
  return ends;
}

}  // namespace broker::storage
