// Decide, apply, submit.
#include "broker/core/broker.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>

#include "broker/protocol/record_batch.h"
#include "common/ensure.h"
#include "common/log.h"

namespace broker::core {

using protocol::ErrorCode;

namespace {

constexpr std::int64_t kProducerIdsPerBlock = 1'000;

std::string hex(std::uint64_t high, std::uint64_t low) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto part : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[(part >> shift) & 0xf]);
  }
  return text;
}

}  // namespace

Broker::Broker(State& state, storage::Store& store, const common::Clock& clock, BrokerSettings settings,
               std::function<std::uint64_t()> random)
    : state_(state),
      store_(store),
      clock_(clock),
      settings_(std::move(settings)),
      random_(std::move(random)),
      groups_(settings_.groups, {.journal = [this](storage::GroupState group) { return journal(std::move(group)); },
                                 .random_suffix = [this] { return hex(random_(), random_()); },
                                 .has_offsets =
                                     [this](const std::string& group) {
                                       const auto* record = state_.find_group(group);
                                       return record != nullptr && !record->offsets.empty();
                                     }}),
      producer_ids_next_(state.next_producer_id()),
      producer_ids_end_(state.next_producer_id()) {
  for (const auto& [name, record] : state_.groups()) groups_.recover(record.state);
}

storage::Ticket Broker::journal(storage::Record record, storage::SharedBytes keep_alive) {
  state_.apply(record);
  return store_.submit(std::move(record), std::move(keep_alive));
}

std::int64_t Broker::wall_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall()).count();
}

storage::TopicId Broker::random_topic_id() {
  storage::TopicId id{};
  const std::array<std::uint64_t, 2> bits{random_(), random_()};
  static_assert(sizeof bits == sizeof id);
  std::memcpy(id.data(), bits.data(), sizeof id);
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);  // RFC 9562: version 4
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
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
  if (wanted < 1 || wanted > settings_.partitions_max) {
    return {ErrorCode::invalid_partitions,
            "partitions must lie between 1 and " + std::to_string(settings_.partitions_max)};
  }
  if (state_.partition_count() + wanted > settings_.partitions_max) {
    return {ErrorCode::policy_violation, "all topics together may have " + std::to_string(settings_.partitions_max) +
                                             " partitions (now " + std::to_string(state_.partition_count()) + ")"};
  }
  for (const auto& [key, value] : config) {
    if (auto why = refuse_config(key, value)) return {ErrorCode::invalid_config, std::move(*why)};
  }
  return {};
}

TopicOutcome Broker::make_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config) {
  if (auto refusal = refuse_topic(name, partitions, config)) return {std::move(refusal), state_.find_topic(name)};
  const auto ticket =
      journal(storage::TopicMade{.id = random_topic_id(),
                                 .name = name,
                                 .partitions = partitions == -1 ? settings_.partitions_default : partitions,
                                 .config = config});
  auto* topic = state_.find_topic(name);
  ENSURE(topic != nullptr, "a topic that was made is there");
  topic->ticket = ticket;
  return {{}, topic};
}

namespace {

AppendOutcome refused(ErrorCode error, std::string message) {
  AppendOutcome outcome;
  outcome.refusal = {error, std::move(message)};
  return outcome;
}

AppendOutcome refused(protocol::BatchFault fault, const Topic& topic, std::size_t bytes_max) {
  auto message = std::string(protocol::name(fault));
  if (fault == protocol::BatchFault::too_large) {
    message += ": topic '" + topic.name + "' takes batches of at most " + std::to_string(bytes_max) +
               " bytes (max.message.bytes)";
  }
  return refused(protocol::error_code(fault), std::move(message));
}

}  // namespace

AppendOutcome Broker::append(Topic& topic, storage::PartitionIndex partition, std::span<std::byte> records,
                             storage::SharedBytes frame) {
  const storage::PartitionRef where{topic.id, partition};
  const auto bytes_max = static_cast<std::size_t>(
      std::min(static_cast<std::uint64_t>(topic.settings.max_message_bytes), store_.append_bytes_max()));
  const auto checked = protocol::check_produced(records, bytes_max);
  if (!checked) {
    note_refused_start(where, records);
    return refused(checked.fault, topic, bytes_max);
  }
  const auto& header = checked.header;
  const BatchSequence sequence{.producer = storage::ProducerId(header.producer_id),
                               .epoch = header.producer_epoch,
                               .first = header.base_sequence,
                               .count = header.record_count};
  // The disk before the sequence: what is refused for want of room must be refused alike as long as it lasts.
  if (!has_room(where, records.size())) {
    refused_.refuse(where, sequence);
    return refused(ErrorCode::kafka_storage_error, "the broker's disk is full: free some space, producers try again");
  }
  if (auto settled = settle_sequence(topic, where, sequence)) return std::move(*settled);

  const auto bounds = store_.bounds(where);
  ENSURE(bounds.has_value(), "a topic's partitions are known to the store");
  const auto now_ms = wall_ms();
  const bool own_time = topic.settings.log_append_time;
  if (own_time) protocol::set_log_append_time(records, now_ms);
  protocol::set_base_offset(records, bounds->end.value());
  protocol::set_leader_epoch(records, store_.leader_epoch());

  AppendOutcome outcome;
  outcome.base = bounds->end;
  outcome.log_start = bounds->start;
  outcome.log_append_time_ms = own_time ? now_ms : -1;
  outcome.ticket = journal(storage::Append{.partition = where,
                                           .base = bounds->end,
                                           .count = header.record_count,
                                           .appended_at_ms = now_ms,
                                           .max_timestamp_ms = own_time ? now_ms : header.max_timestamp_ms,
                                           .producer = sequence.producer,
                                           .producer_epoch = sequence.epoch,
                                           .first_sequence = sequence.first,
                                           .bytes = records},
                           std::move(frame));
  if (sequence.producer.value() >= 0) {
    state_.producers().note_ticket(where, sequence.producer, outcome.ticket);
    refused_.appended(where, sequence);
    refused_starts_.appended(where, sequence);
  }
  return outcome;
}

// Of a producer that has nothing stored here, any sequence is taken. So when its first batch is refused for what it is,
// the batches in flight behind it would be stored and overtake it; they must find a gap, as with any other producer.
void Broker::note_refused_start(const storage::PartitionRef& where, std::span<const std::byte> records) {
  const auto header = protocol::peek_batch(records);
  if (!header || header->producer_id < 0) return;
  const BatchSequence sequence{.producer = storage::ProducerId(header->producer_id),
                               .epoch = header->producer_epoch,
                               .first = header->base_sequence,
                               .count = header->record_count};
  if (!state_.producers().expected(where, sequence)) refused_starts_.refuse(where, sequence);
}

bool Broker::has_room(const storage::PartitionRef& where, std::size_t bytes) {
  if (store_.make_room(where, bytes) == storage::RoomRefusal::none) {
    if (disk_full_since_) {
      const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(now() - *disk_full_since_);
      common::log::info("there is room on the disk again", {{"after_s", lasted.count()}});
      disk_full_since_.reset();
    }
    return true;
  }
  if (!disk_full_since_) {
    disk_full_since_ = now();
    common::log::error(
        "disk full, produce requests are refused and nothing is lost",
        {{"data_dir", settings_.data_dir}, {"next", "free space there; producers try again by themselves"}});
  }
  return false;
}

std::optional<AppendOutcome> Broker::settle_sequence(const Topic& topic, const storage::PartitionRef& where,
                                                     const BatchSequence& sequence) {
  if (sequence.producer.value() < 0) return std::nullopt;
  const auto seen = state_.producers().check(where, sequence);
  switch (seen.verdict) {
    case SequenceVerdict::duplicate: {
      AppendOutcome duplicate;
      duplicate.base = seen.original;
      duplicate.log_append_time_ms = topic.settings.log_append_time ? seen.timestamp_ms : -1;
      duplicate.log_start = store_.bounds(where).value_or(storage::PartitionBounds{}).start;
      duplicate.ticket = seen.ticket;
      return duplicate;
    }
    case SequenceVerdict::stale_epoch:
      return refused(ErrorCode::invalid_producer_epoch, "a newer epoch of this producer has written here");
    case SequenceVerdict::append:
    case SequenceVerdict::out_of_order:
      break;
  }
  if (refused_.holds_back(where, sequence)) {
    return refused(ErrorCode::kafka_storage_error, "an earlier batch of this producer was refused for want of room");
  }
  if (seen.verdict == SequenceVerdict::append) {
    if (!refused_starts_.holds_back(where, sequence)) return std::nullopt;
    return refused(ErrorCode::out_of_order_sequence_number, "the producer's first batch here was refused");
  }
  const auto due = state_.producers().expected(where, sequence).value_or(0);
  return refused(ErrorCode::out_of_order_sequence_number,
                 "sequence " + std::to_string(sequence.first) + " where " + std::to_string(due) + " is due");
}

ProducerIdOutcome Broker::new_producer_id() {
  if (producer_ids_next_ == producer_ids_end_) {
    producer_ids_end_ = storage::ProducerId(producer_ids_end_.value() + kProducerIdsPerBlock);
    producer_ids_ticket_ = journal(storage::ProducerIdBlock{.next = producer_ids_end_});
  }
  const auto id = producer_ids_next_;
  producer_ids_next_ = storage::ProducerId(id.value() + 1);
  return {id, producer_ids_ticket_};
}

Refusal Broker::refuse_commit(const OffsetToCommit& commit) const {
  if (commit.metadata.size() > settings_.offset_metadata_bytes_max) {
    return {ErrorCode::offset_metadata_too_large, {}};
  }
  if (commit.offset.value() < 0) return {ErrorCode::offset_out_of_range, {}};
  return {};
}

storage::Ticket Broker::commit_offset(const std::string& group, OffsetToCommit commit) {
  const auto partition = commit.partition;
  const auto ticket = journal(storage::GroupOffset{.group = group,
                                                   .partition = partition,
                                                   .offset = commit.offset,
                                                   .leader_epoch = commit.leader_epoch,
                                                   .metadata = std::move(commit.metadata),
                                                   .committed_at_ms = wall_ms()});
  if (auto* record = state_.find_group(group)) {
    if (const auto found = record->offsets.find(partition); found != record->offsets.end())
      found->second.ticket = ticket;
  }
  return ticket;
}

std::optional<std::pair<storage::Offset, std::int64_t>> Broker::find_max_timestamp(
    const storage::PartitionRef& partition) {
  auto best = store_.find_time(partition, 0);
  if (!best) return std::nullopt;
  // "Some batch has a time ≥ t" holds up to the largest time and not beyond it: halve.
  std::int64_t low = best->second;
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  while (low < high) {
    const auto middle = low + (high - low) / 2 + 1;
    if (const auto found = store_.find_time(partition, middle)) {
      best = found;
      low = std::max(middle, found->second);
    } else {
      high = middle - 1;
    }
  }
  return best;
}

std::optional<Time> Broker::next_deadline() const {
  const auto groups = groups_.next_deadline();
  const auto fetches = fetch_waiters_.next_deadline();
  if (!groups) return fetches;
  if (!fetches) return groups;
  return std::min(*groups, *fetches);
}

void Broker::tick() {
  fetch_waiters_.advanced(store_.take_advanced());
  const auto time = now();
  fetch_waiters_.advance(time);
  groups_.advance(time);
  store_.maybe_checkpoint();
}

}  // namespace broker::core
