// Records as bytes. One encode and one decode per record, side by side. Format: README.md, "Records".
#include "broker/storage/record_codec.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "broker/storage/group_codec.h"

namespace broker::storage {

namespace {

enum class Type : std::uint8_t {
  topic_made = 1,
  topic_deleted = 2,
  partitions_added = 3,
  config_set = 4,
  append = 5,
  log_start_moved = 6,
  group_offset = 7,
  group_state = 8,
  producer_id_block = 9,
  producer_state = 10,
  epoch_started = 11,
  group_generation = 12,
  loss_accepted = 13,
  clock_mark = 14,
};

void put(ByteWriter& out, const TopicId& id) { out.put_bytes(std::as_bytes(std::span(id))); }
void put(ByteWriter& out, const PartitionRef& ref) {
  put(out, ref.topic);
  out.put(ref.partition.value());
}
TopicId get_topic(ByteReader& in) {
  TopicId id{};
  std::memcpy(id.data(), in.take(id.size()).data(), id.size());
  return id;
}
// Memory goes by this number, so not even a proven record is believed beyond what could ever be configured.
std::int32_t get_partition_count(ByteReader& in) {
  constexpr std::int32_t kPartitionsMax = 1'000'000;
  const auto count = in.get<std::int32_t>();
  if (count < 1 || count > kPartitionsMax) throw CorruptError("topic of " + std::to_string(count) + " partitions");
  return count;
}
PartitionRef get_partition(ByteReader& in) {
  PartitionRef ref;
  ref.topic = get_topic(in);
  ref.partition = PartitionIndex(in.get<std::int32_t>());
  return ref;
}

void encode(ByteWriter& out, const TopicMade& record) {
  put(out, record.id);
  out.put_string(record.name);
  out.put(record.partitions);
  out.put(static_cast<std::uint32_t>(record.config.size()));
  for (const auto& [name, value] : record.config) {
    out.put_string(name);
    out.put_string(value);
  }
}
TopicMade decode_topic_made(ByteReader& in) {
  TopicMade record;
  record.id = get_topic(in);
  record.name = in.get_string();
  record.partitions = get_partition_count(in);
  for (std::size_t left = in.get_count(8); left > 0; --left) {
    std::string name = in.get_string();
    record.config.emplace_back(std::move(name), in.get_string());
  }
  return record;
}

void encode(ByteWriter& out, const TopicDeleted& record) { put(out, record.id); }
TopicDeleted decode_topic_deleted(ByteReader& in) { return {get_topic(in)}; }

void encode(ByteWriter& out, const PartitionsAdded& record) {
  put(out, record.id);
  out.put(record.total);
}
PartitionsAdded decode_partitions_added(ByteReader& in) {
  const TopicId id = get_topic(in);
  return {id, get_partition_count(in)};
}

void encode(ByteWriter& out, const ConfigSet& record) {
  put(out, record.id);
  out.put_string(record.name);
  out.put(static_cast<std::uint8_t>(record.value.has_value()));
  out.put_string(record.value.value_or(""));
}
ConfigSet decode_config_set(ByteReader& in) {
  ConfigSet record;
  record.id = get_topic(in);
  record.name = in.get_string();
  const bool present = in.get<std::uint8_t>() != 0;
  std::string value = in.get_string();
  if (present) record.value = std::move(value);
  return record;
}

void encode(ByteWriter& out, const Append& record, const AppendPlace& place) {
  put(out, record.partition);
  out.put(record.base.value());
  out.put(record.count);
  out.put(record.appended_at_ms);
  out.put(record.max_timestamp_ms);
  out.put(record.producer.value());
  out.put(record.producer_epoch);
  out.put(record.first_sequence);
  out.put(place.segment_base.value());
  out.put(place.position);
  out.put(static_cast<std::uint32_t>(record.bytes.size()));
}
DecodedRecord decode_append(ByteReader& in, ByteReader& data) {
  Append record;
  AppendPlace place;
  record.partition = get_partition(in);
  record.base = Offset(in.get<std::int64_t>());
  record.count = in.get<std::int32_t>();
  if (record.count < 1 || record.base.value() < 0 || record.base.value() > INT64_MAX - record.count)
    throw CorruptError("append of " + std::to_string(record.count) + " records at " +
                       std::to_string(record.base.value()));
  record.appended_at_ms = in.get<std::int64_t>();
  record.max_timestamp_ms = in.get<std::int64_t>();
  record.producer = ProducerId(in.get<std::int64_t>());
  record.producer_epoch = in.get<std::int16_t>();
  record.first_sequence = in.get<std::int32_t>();
  place.segment_base = Offset(in.get<std::int64_t>());
  place.position = in.get<std::uint64_t>();
  record.bytes = data.take(in.get<std::uint32_t>());
  return {record, place};
}

void encode(ByteWriter& out, const LogStartMoved& record) {
  put(out, record.partition);
  out.put(record.start.value());
}
LogStartMoved decode_log_start(ByteReader& in) {
  const PartitionRef partition = get_partition(in);
  return {partition, Offset(in.get<std::int64_t>())};
}

void encode(ByteWriter& out, const GroupOffset& record) {
  out.put_string(record.group);
  put(out, record.partition);
  out.put(record.offset.value());
  out.put(record.leader_epoch);
  out.put_string(record.metadata);
  out.put(record.committed_at_ms);
}
GroupOffset decode_group_offset(ByteReader& in) {
  GroupOffset record;
  record.group = in.get_string();
  record.partition = get_partition(in);
  record.offset = Offset(in.get<std::int64_t>());
  record.leader_epoch = in.get<std::int32_t>();
  record.metadata = in.get_string();
  record.committed_at_ms = in.get<std::int64_t>();
  return record;
}

void encode(ByteWriter& out, const GroupState& record) {
  out.put_string(record.group);
  out.put_string(record.protocol_type);
  out.put_string(record.protocol);
  out.put_string(record.leader);
  out.put(record.generation);
  out.put(static_cast<std::uint8_t>(record.deleted));
  out.put(static_cast<std::uint32_t>(record.static_members.size()));
  for (const StaticMember& member : record.static_members) {
    out.put_string(member.instance);
    out.put_string(member.member);
  }
}
GroupState decode_group_state(ByteReader& in) {
  GroupState record;
  record.group = in.get_string();
  record.protocol_type = in.get_string();
  record.protocol = in.get_string();
  record.leader = in.get_string();
  record.generation = in.get<std::int32_t>();
  record.deleted = in.get<std::uint8_t>() != 0;
  for (std::size_t left = in.get_count(8); left > 0; --left) {
    std::string instance = in.get_string();
    record.static_members.push_back({std::move(instance), in.get_string()});
  }
  return record;
}

void encode(ByteWriter& out, const GroupGeneration& record) { encode_generation(out, record); }

void encode(ByteWriter& out, const ProducerIdBlock& record) { out.put(record.next.value()); }
ProducerIdBlock decode_producer_ids(ByteReader& in) { return {ProducerId(in.get<std::int64_t>())}; }

void encode(ByteWriter& out, const ProducerState& record) {
  put(out, record.partition);
  out.put(record.producer.value());
  out.put(record.epoch);
  out.put(static_cast<std::uint32_t>(record.batches.size()));
  for (const ProducerState::Batch& batch : record.batches) {
    out.put(batch.first_sequence);
    out.put(batch.last_sequence);
    out.put(batch.base.value());
    out.put(batch.timestamp_ms);
  }
}
ProducerState decode_producer_state(ByteReader& in) {
  ProducerState record;
  record.partition = get_partition(in);
  record.producer = ProducerId(in.get<std::int64_t>());
  record.epoch = in.get<std::int16_t>();
  for (std::size_t left = in.get_count(24); left > 0; --left) {
    ProducerState::Batch batch;
    batch.first_sequence = in.get<std::int32_t>();
    batch.last_sequence = in.get<std::int32_t>();
    batch.base = Offset(in.get<std::int64_t>());
    batch.timestamp_ms = in.get<std::int64_t>();
    record.batches.push_back(batch);
  }
  return record;
}

void encode(ByteWriter& out, const EpochStarted& record) {
  out.put(record.epoch);
  out.put(static_cast<std::uint32_t>(record.starts.size()));
  for (const auto& [partition, offset] : record.starts) {
    put(out, partition);
    out.put(offset.value());
  }
}
EpochStarted decode_epoch(ByteReader& in) {
  EpochStarted record;
  record.epoch = in.get<std::int32_t>();
  for (std::size_t left = in.get_count(28); left > 0; --left) {
    const PartitionRef partition = get_partition(in);
    record.starts.emplace_back(partition, Offset(in.get<std::int64_t>()));
  }
  return record;
}

void encode(ByteWriter& out, const ClockMark& record) { out.put(record.reading_ms); }
ClockMark decode_clock_mark(ByteReader& in) { return {in.get<std::int64_t>()}; }

void encode(ByteWriter& out, const LossAccepted& record) {
  put(out, record.partition);
  out.put(record.from.value());
  out.put(record.to.value());
  out.put(record.at_ms);
}
LossAccepted decode_loss(ByteReader& in) {
  LossAccepted record;
  record.partition = get_partition(in);
  record.from = Offset(in.get<std::int64_t>());
  record.to = Offset(in.get<std::int64_t>());
  record.at_ms = in.get<std::int64_t>();
  return record;
}

// In the variant's order.
constexpr auto kTypes = std::to_array<Type>(
    {Type::topic_made, Type::topic_deleted, Type::partitions_added, Type::config_set, Type::append,
     Type::log_start_moved, Type::group_offset, Type::group_state, Type::producer_id_block, Type::producer_state,
     Type::epoch_started, Type::group_generation, Type::clock_mark, Type::loss_accepted});
static_assert(std::variant_size_v<Record> == kTypes.size());
static_assert(std::is_same_v<std::variant_alternative_t<4, Record>, Append>);

Type type_of(const Record& record) { return kTypes.at(record.index()); }

DecodedRecord decode_body(Type type, ByteReader& body, ByteReader& data) {
  switch (type) {
    case Type::topic_made:
      return {decode_topic_made(body), {}};
    case Type::topic_deleted:
      return {decode_topic_deleted(body), {}};
    case Type::partitions_added:
      return {decode_partitions_added(body), {}};
    case Type::config_set:
      return {decode_config_set(body), {}};
    case Type::append:
      return decode_append(body, data);
    case Type::log_start_moved:
      return {decode_log_start(body), {}};
    case Type::group_offset:
      return {decode_group_offset(body), {}};
    case Type::group_state:
      return {decode_group_state(body), {}};
    case Type::producer_id_block:
      return {decode_producer_ids(body), {}};
    case Type::producer_state:
      return {decode_producer_state(body), {}};
    case Type::epoch_started:
      return {decode_epoch(body), {}};
    case Type::loss_accepted:
      return {decode_loss(body), {}};
    case Type::group_generation:
      return {decode_generation(body), {}};
    case Type::clock_mark:
      return {decode_clock_mark(body), {}};
  }
  throw CorruptError("unknown record type " + std::to_string(static_cast<int>(type)));
}

}  // namespace

void encode_record(std::vector<std::byte>& out, const Record& record, const AppendPlace& place) {
  ByteWriter writer(out);
  writer.put(static_cast<std::uint8_t>(type_of(record)));
  const std::size_t length_at = writer.size();
  writer.put(std::uint32_t{0});
  std::visit(
      [&](const auto& body) {
        if constexpr (std::is_same_v<std::decay_t<decltype(body)>, Append>) {
          encode(writer, body, place);
        } else {
          encode(writer, body);
        }
      },
      record);
  writer.set(length_at, static_cast<std::uint32_t>(writer.size() - length_at - 4));
}

DecodedRecord decode_record(ByteReader& meta, ByteReader& data) {
  const auto type = static_cast<Type>(meta.get<std::uint8_t>());
  ByteReader body(meta.take(meta.get<std::uint32_t>()));
  DecodedRecord decoded = decode_body(type, body, data);
  if (body.left() != 0) throw CorruptError("record longer than its fields");
  return decoded;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::optional<TopicId> parse_topic_id(const std::string& text) {
  TopicId id{};
  if (text.size() != id.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char digit = text[i];
    const bool letter = digit >= 'a' && digit <= 'f';
    if (!letter && (digit < '0' || digit > '9')) return std::nullopt;
    const int value = letter ? digit - 'a' + 10 : digit - '0';
    id[i / 2] = static_cast<std::uint8_t>(id[i / 2] * 16 + value);
  }
  return id;
}

std::string twenty_digits(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%020llu", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace broker::storage
