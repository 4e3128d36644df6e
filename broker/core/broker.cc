// Decide, apply, submit. What becomes of topics: broker_topics.cc; of committed offsets: broker_groups.cc.
#include "broker/core/broker.h"

#include <algorithm>
#include <chrono>

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

// A group's members share one record, and that one must fit into a frame of the journal, with room for the rest.
GroupLimits group_limits(GroupLimits limits, const storage::Store& store) {
  limits.group_bytes_max = std::min<std::size_t>(limits.group_bytes_max, store.append_bytes_max() / 2);
  return limits;
}

}  // namespace

Broker::Broker(State& state, storage::Store& store, const common::Clock& clock, BrokerSettings settings,
               std::function<std::uint64_t()> random)
    : state_(state),
      store_(store),
      clock_(clock),
      settings_(std::move(settings)),
      random_(std::move(random)),
      groups_(group_limits(settings_.groups, store),
              {.journal = [this](storage::GroupGeneration group) { return journal(std::move(group)); },
               .random_suffix = [this] { return hex(random_(), random_()); },
               .offsets =
                   [this](const std::string& group) {
                     const auto* record = state_.find_group(group);
                     return record == nullptr ? std::optional<std::size_t>() : record->offsets.size();
                   }}),
      offset_expiry_(settings_.offsets_expire, clock.steady()),
      room_(state, store, clock, settings_.room,
            {.journal = [this](storage::Record record) { return journal(std::move(record)); },
             .move_start = [this](Topic& topic, storage::PartitionIndex partition,
                                  storage::Offset start) { (void)move_log_start(topic, partition, start); }}),
      producer_ids_next_(state.next_producer_id()),
      producer_ids_end_(state.next_producer_id()) {
  for (const auto& [name, record] : state_.groups()) groups_.recover(record.whole(), now());
}

storage::Ticket Broker::journal(storage::Record record, storage::SharedBytes keep_alive) {
  state_.apply(record);
  return store_.submit(std::move(record), std::move(keep_alive));
}

std::int64_t Broker::wall_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall()).count();
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
  if (auto why = room_.refuse(where, records.size())) {
    refused_.refuse(where, sequence);
    return refused(ErrorCode::kafka_storage_error, std::move(*why));
  }
  if (auto settled = settle_sequence(topic, where, sequence)) return std::move(*settled);

  const auto bounds = store_.bounds(where);
  ENSURE(bounds.has_value(), "a topic's partitions are known to the store");
  const auto now_ms = wall_ms();
  const bool own_time = topic.settings.log_append_time;
  const auto max_timestamp_ms = own_time ? now_ms : checked.max_timestamp_ms;
  if (own_time) {
    protocol::set_log_append_time(records, now_ms);
  } else if (max_timestamp_ms != header.max_timestamp_ms) {
    protocol::set_max_timestamp(records, max_timestamp_ms);  // kafkajs writes another than its records have
  }
  protocol::set_base_offset(records, bounds->end.value());
  protocol::set_leader_epoch(records, store_.leader_epoch());

  AppendOutcome outcome;
  outcome.base = bounds->end;
  outcome.log_start = bounds->start;
  outcome.log_append_time_ms = own_time ? now_ms : -1;
  outcome.ticket = journal(storage::Append{.partition = where,
                                           .base = bounds->end,
                                           .count = header.record_count,
                                           .appended_at_ms = room_.stamp_ms(),
                                           .max_timestamp_ms = max_timestamp_ms,
                                           .producer = sequence.producer,
                                           .producer_epoch = sequence.epoch,
                                           .first_sequence = sequence.first,
                                           .bytes = records},
                           std::move(frame));
  room_.appended(records.size());
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

std::optional<Time> Broker::next_deadline() const {
  const auto groups = groups_.next_deadline();
  const auto fetches = fetch_waiters_.next_deadline();
  auto next = room_.next_deadline();
  next = std::min(next, offset_expiry_.next_deadline());
  if (groups) next = std::min(next, *groups);
  if (fetches) next = std::min(next, *fetches);
  return next;
}

void Broker::tick() {
  fetch_waiters_.advanced(store_.take_advanced());
  const auto time = now();
  fetch_waiters_.advance(time);
  groups_.advance(time);
  expire_offsets(time);
  room_.tick(time);
  store_.maybe_checkpoint();
}

}  // namespace broker::core
