// What becomes of committed offsets. Whoever releases some says so in the log, because records that they kept may now
// be deleted.
#include <algorithm>
#include <map>
#include <vector>

#include "broker/core/broker.h"
#include "common/log.h"

namespace broker::core {

using protocol::ErrorCode;

namespace {

constexpr std::size_t kLoggedBytesMax = 400;

// "orders 0 1 2, payments 0", as much as belongs into a line.
std::string list_partitions(State& state, const std::vector<storage::PartitionRef>& partitions) {
  std::map<std::string, std::string> by_topic;
  for (const auto& partition : partitions) {
    const auto* topic = state.find_topic(partition.topic);
    if (topic != nullptr) by_topic[topic->name] += " " + std::to_string(partition.partition.value());
  }
  std::string text;
  for (const auto& [topic, indexes] : by_topic) {
    if (!text.empty()) text += ", ";
    text += topic;
    text += indexes;
    if (text.size() > kLoggedBytesMax) return text.substr(0, kLoggedBytesMax) + " …";
  }
  return text;
}

std::vector<storage::PartitionRef> committed_partitions(const GroupRecord& record) {
  std::vector<storage::PartitionRef> partitions;
  partitions.reserve(record.offsets.size());
  for (const auto& [partition, commit] : record.offsets) partitions.push_back(partition);
  return partitions;
}

}  // namespace

Refusal Broker::refuse_commit(const OffsetToCommit& commit) const {
  if (commit.metadata.size() > settings_.offset_metadata_bytes_max) {
    return {ErrorCode::offset_metadata_too_large, {}};
  }
  return {};
}

storage::Ticket Broker::commit_offset(const std::string& group, OffsetToCommit commit) {
  const auto partition = commit.partition;
  const auto ticket = journal(storage::GroupOffset{.group = group,
                                                   .partition = partition,
                                                   // Any negative one withdraws: kafkajs begins anew by −2.
                                                   .offset = std::max(commit.offset, storage::Offset(-1)),
                                                   .leader_epoch = commit.leader_epoch,
                                                   .metadata = std::move(commit.metadata),
                                                   .committed_at_ms = wall_ms()});
  if (commit.offset.value() < 0) groups_.await(ticket);
  if (auto* record = state_.find_group(group)) {
    if (const auto found = record->offsets.find(partition); found != record->offsets.end())
      found->second.ticket = ticket;
  }
  return ticket;
}

void Broker::delete_offsets(const std::string& group, const std::vector<storage::PartitionRef>& partitions,
                            std::string_view why) {
  const auto* record = state_.find_group(group);
  std::vector<storage::PartitionRef> released;
  for (const auto& partition : partitions) {
    if (record != nullptr && record->offsets.contains(partition)) released.push_back(partition);
  }
  if (released.empty()) return groups_.offsets_deleted(group, {});
  const storage::Burst one_frame(store_);
  storage::Ticket ticket;
  for (const auto& partition : released) {
    ticket = journal(storage::GroupOffset{.group = group,
                                          .partition = partition,
                                          .offset = storage::Offset(-1),
                                          .leader_epoch = -1,
                                          .metadata = {},
                                          .committed_at_ms = wall_ms()});
  }
  common::log::info(
      "committed offsets deleted",
      {{"group", group}, {"why", why}, {"offsets", released.size()}, {"of", list_partitions(state_, released)}});
  groups_.offsets_deleted(group, ticket);
}

ErrorCode Broker::delete_group(const std::string& group, std::string_view why) {
  const auto* record = state_.find_group(group);
  const auto held = record == nullptr ? std::vector<storage::PartitionRef>() : committed_partitions(*record);
  const auto error = groups_.end(group);
  if (error == ErrorCode::none) {
    common::log::info(
        "group deleted",
        {{"group", group}, {"why", why}, {"offsets", held.size()}, {"of", list_partitions(state_, held)}});
  }
  return error;
}

void Broker::expire_offsets(Time time) {
  for (const auto& group : offset_expiry_.due(groups_, state_, time, wall_ms())) {
    const auto* record = state_.find_group(group);
    const auto held = record == nullptr ? std::vector<storage::PartitionRef>() : committed_partitions(*record);
    delete_offsets(group, held, "offsets_expire");
  }
}

}  // namespace broker::core
