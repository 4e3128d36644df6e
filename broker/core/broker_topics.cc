// Topics are made, grown, configured, emptied and deleted. Each change is one record of the journal, or some of one
// burst; whoever answers about a topic waits for its last one (Topic::ticket), whoever says that a topic is not there
// for the last deletion.
#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "broker/core/broker.h"
#include "common/ensure.h"
#include "common/log.h"

namespace broker::core {

using protocol::ErrorCode;

namespace {

storage::TopicId random_topic_id(const std::function<std::uint64_t()>& random) {
  storage::TopicId id{};
  const std::array<std::uint64_t, 2> bits{random(), random()};
  static_assert(sizeof bits == sizeof id);
  std::memcpy(id.data(), bits.data(), sizeof id);
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);  // RFC 9562: version 4
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

std::vector<storage::PartitionRef> partitions_of(const Topic& topic) {
  std::vector<storage::PartitionRef> refs;
  refs.reserve(static_cast<std::size_t>(topic.partitions));
  for (std::int32_t i = 0; i < topic.partitions; ++i) refs.push_back({topic.id, storage::PartitionIndex(i)});
  return refs;
}

}  // namespace

Refusal Broker::refuse_partition_count(std::int32_t of_topic, std::int32_t more) const {
  if (of_topic < 1 || of_topic > settings_.partitions_max) {
    return {ErrorCode::invalid_partitions,
            "partitions must lie between 1 and " + std::to_string(settings_.partitions_max)};
  }
  if (state_.partition_count() + more <= settings_.partitions_max) return {};
  return {ErrorCode::policy_violation, "all topics together may have " + std::to_string(settings_.partitions_max) +
                                           " partitions (now " + std::to_string(state_.partition_count()) +
                                           "; [topics] partitions_max)"};
}

Refusal Broker::refuse_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config) {
  if (!valid_topic_name(name)) {
    return {ErrorCode::invalid_topic_exception,
            "a topic's name is 1 to 249 of the characters A-Z a-z 0-9 . _ - and not '.' or '..'"};
  }
  if (state_.find_topic(name) != nullptr) {
    return {ErrorCode::topic_already_exists, "topic '" + name + "' exists already"};
  }
  const auto wanted = partitions == -1 ? settings_.partitions_default : partitions;
  if (auto refusal = refuse_partition_count(wanted, wanted)) return refusal;
  std::set<std::string_view> seen;
  for (const auto& [key, value] : config) {
    if (auto why = refuse_config(key, value)) return {ErrorCode::invalid_config, std::move(*why)};
    if (!seen.insert(key).second) return {ErrorCode::invalid_config, key + " is set more than once"};
  }
  return {};
}

TopicOutcome Broker::make_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config) {
  if (auto refusal = refuse_topic(name, partitions, config)) return {std::move(refusal), state_.find_topic(name)};
  const auto ticket =
      journal(storage::TopicMade{.id = random_topic_id(random_),
                                 .name = name,
                                 .partitions = partitions == -1 ? settings_.partitions_default : partitions,
                                 .config = config});
  auto* topic = state_.find_topic(name);
  ENSURE(topic != nullptr, "a topic that was made is there");
  topic->ticket = ticket;
  return {{}, topic};
}

storage::Ticket Broker::delete_topic(Topic& topic) {
  const auto id = topic.id;
  const auto partitions = partitions_of(topic);
  common::log::info("topic deleted", {{"topic", topic.name}, {"id", uuid_text(id)}, {"partitions", partitions.size()}});
  refused_.forget_topic(id);
  refused_starts_.forget_topic(id);
  topics_deleted_ticket_ = journal(storage::TopicDeleted{id});  // `topic` is gone
  fetch_waiters_.advanced(partitions);
  return topics_deleted_ticket_;
}

Refusal Broker::refuse_growth(const Topic& topic, std::int32_t total) const {
  const auto now = std::to_string(topic.partitions);
  if (total == topic.partitions) {
    return {ErrorCode::invalid_partitions, "topic '" + topic.name + "' has " + now + " partitions already"};
  }
  if (total < topic.partitions) {
    return {ErrorCode::invalid_partitions,
            "topic '" + topic.name + "' has " + now + " partitions: their number only grows"};
  }
  return refuse_partition_count(total, total - topic.partitions);
}

storage::Ticket Broker::grow_topic(Topic& topic, std::int32_t total) {
  common::log::info("partitions added", {{"topic", topic.name}, {"before", topic.partitions}, {"now", total}});
  topic.ticket = journal(storage::PartitionsAdded{topic.id, total});
  return topic.ticket;
}

Refusal Broker::refuse_edits(const std::vector<ConfigEdit>& edits) const {
  std::set<std::string_view> seen;
  for (const auto& edit : edits) {
    auto why = edit.value ? refuse_config(edit.name, *edit.value) : refuse_config_name(edit.name);
    if (why) return {ErrorCode::invalid_config, std::move(*why)};
    if (!seen.insert(edit.name).second) return {ErrorCode::invalid_request, edit.name + " is named more than once"};
  }
  return {};
}

storage::Ticket Broker::configure_topic(Topic& topic, const std::vector<ConfigEdit>& edits) {
  for (const auto& [name, value] : edits) {
    const auto set = topic.config.find(name);
    const bool same = set == topic.config.end() ? !value : value == set->second;
    if (same) continue;
    common::log::info("topic configured",
                      {{"topic", topic.name}, {"key", name}, {"value", value.value_or("(default)")}});
    topic.ticket = journal(storage::ConfigSet{topic.id, name, value});
  }
  return topic.ticket;
}

storage::Ticket Broker::move_log_start(Topic& topic, storage::PartitionIndex partition, storage::Offset start) {
  const storage::PartitionRef where{topic.id, partition};
  topic.ticket = journal(storage::LogStartMoved{where, start});
  fetch_waiters_.advanced({where});  // who waits below the new start would wait in vain
  return topic.ticket;
}

DeleteOutcome Broker::delete_records(Topic& topic, storage::PartitionIndex partition, storage::Offset before) {
  const auto bounds = store_.bounds({topic.id, partition});
  ENSURE(bounds.has_value(), "a topic's partitions are known to the store");
  DeleteOutcome outcome;
  const auto to = before.value() == -1 ? bounds->durable_end : before;
  if (to.value() < 0 || to > bounds->durable_end) {
    outcome.refusal = {ErrorCode::offset_out_of_range, "the partition holds offsets " +
                                                           std::to_string(bounds->start.value()) + " to " +
                                                           std::to_string(bounds->durable_end.value())};
    return outcome;
  }
  outcome.low_watermark = std::max(to, bounds->start);
  outcome.records = outcome.low_watermark.value() - bounds->start.value();
  outcome.ticket = outcome.records == 0 ? topic.ticket : move_log_start(topic, partition, to);
  return outcome;
}

}  // namespace broker::core
