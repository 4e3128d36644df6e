// See journal_script.h.
#include "tests/fuzz/journal_script.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "broker/storage/record_codec.h"
#include "common/crc32c.h"
#include "tests/unit/storage/support.h"

namespace fuzz {
namespace {

constexpr std::uint8_t kTopicMade = 1;
constexpr std::uint8_t kTopicDeleted = 2;
constexpr std::uint8_t kPartitionsAdded = 3;
constexpr std::uint8_t kLogStartMoved = 6;
constexpr std::size_t kPayloadMax = 4000;
constexpr std::size_t kIdBytes = 16;

// What a flag of an append spoils or chooses.
constexpr std::uint8_t kNewSegment = 1;
constexpr std::uint8_t kWrongBase = 2;
constexpr std::uint8_t kWrongPosition = 4;
constexpr std::uint8_t kWithProducer = 8;

// Half a million partitions are allowed, and tell nothing that sixty do not, only slowly.
void have_few_partitions(std::uint8_t type, std::span<std::byte> body) {
  constexpr std::int32_t kMany = 60;
  constexpr std::int32_t kRefused = 1'000'000;
  Input in(body);
  (void)in.take(kIdBytes);
  std::size_t at = kIdBytes;
  if (type == kTopicMade) at += 4 + std::size_t{in.number<std::uint32_t>()};
  std::int32_t count = 0;
  if ((type != kTopicMade && type != kPartitionsAdded) || at + sizeof count > body.size()) return;
  std::memcpy(&count, body.data() + at, sizeof count);
  if (count > kMany && count <= kRefused) count %= kMany;
  std::memcpy(body.data() + at, &count, sizeof count);
}

}  // namespace

JournalScript::JournalScript(Bytes bytes, const storage::Superblock& superblock, const storage::JournalPosition& from,
                             std::size_t frames_max)
    : superblock_(superblock), frames_max_(frames_max), position_(from) {
  Input input(bytes);
  crash_at_ = 1 + input.number<std::uint8_t>() % 64;
  power_cut_ = (input.number<std::uint8_t>() & 1U) != 0;
  position_.generation -= 1;  // the first file begins the checkpoint's generation
  end_file();
  run(input);
  end_frame(false);
}

void JournalScript::run(Input& input) {
  while (!input.empty()) {
    const auto op = input.number<std::uint8_t>();
    const unsigned kind = op & 15U;
    const unsigned variant = op >> 4U;
    if (kind == 0 || (kind == 15 && variant == 15)) {
      end_frame(kind != 0);
    } else if (kind != 15) {
      const auto length = input.number<std::uint16_t>();
      raw_record(static_cast<std::uint8_t>(kind), input.take(length));
    } else if (variant < 8) {
      append(input);
    } else if (variant < 10) {
      end_frame(false);
      end_file();
    } else {
      Damage damage;
      damage.file = input.number<std::uint8_t>() % kJournalFilesMax;
      damage.at = input.number<std::uint16_t>() % kJournalFileBytes;
      damage.change = static_cast<std::byte>(input.number<std::uint8_t>());
      damage_.push_back(damage);
    }
  }
}

void JournalScript::raw_record(std::uint8_t type, Bytes body) {
  storage::ByteWriter out(meta_);
  out.put(type);
  out.put(static_cast<std::uint32_t>(body.size()));
  out.put_bytes(body);
  have_few_partitions(type, std::span(meta_).last(body.size()));
  ++count_;
  note(type, body);
}

// So that appends behind it continue their partitions.
void JournalScript::note(std::uint8_t type, Bytes body) {
  storage::PartitionRef partition;
  if (body.size() < kIdBytes) return;
  std::memcpy(partition.topic.data(), body.data(), kIdBytes);
  if (type == kTopicDeleted) {
    std::erase_if(ends_, [&](const auto& entry) { return entry.first.topic == partition.topic; });
  } else if (type == kLogStartMoved) {
    Input rest(body.subspan(kIdBytes));
    partition.partition = storage::PartitionIndex(rest.number<std::int32_t>());
    const auto start = rest.number<std::int64_t>();
    const auto found = ends_.find(partition);
    if (found != ends_.end() && start >= found->second.end) found->second.position = 0;
  }
}

void JournalScript::append(Input& input) {
  const auto topic = input.number<std::uint8_t>();
  const auto partition = storage::test::partition_of(topic, input.number<std::uint8_t>());
  const std::int32_t count = 1 + input.number<std::uint8_t>();
  const auto flags = input.number<std::uint8_t>();
  const std::string payload(input.number<std::uint16_t>() % kPayloadMax, static_cast<char>(flags));
  const auto producer = input.number<std::uint8_t>();
  const auto sequence = input.number<std::uint16_t>();

  LogEnd& log = ends_[partition];
  if ((flags & kNewSegment) != 0) log.position = 0;
  if (log.position == 0) log.segment = log.end;
  const storage::Offset base(log.end + ((flags & kWrongBase) != 0 ? 1 : 0));
  const auto batch = storage::test::make_batch(base, count, 1000 + base.value(), payload);
  auto record = storage::test::make_append(partition, base, count, 1000 + base.value(), batch);
  if ((flags & kWithProducer) != 0) {
    record.producer = storage::ProducerId(producer);
    record.producer_epoch = 0;
    record.first_sequence = sequence;
  }
  const std::uint64_t position = log.position + ((flags & kWrongPosition) != 0 ? 1 : 0);
  storage::encode_record(meta_, record, {storage::Offset(log.segment), position});
  data_.insert(data_.end(), batch->begin(), batch->end());
  ++count_;
  log.end += count;
  log.position += batch->size();
}

void JournalScript::end_frame(bool even_empty) {
  const std::uint64_t content = storage::kHeaderBytes + meta_.size() + data_.size();
  const std::uint64_t length = storage::whole_pages(content);
  const bool wanted =
      (count_ > 0 || even_empty) && frames_.size() < frames_max_ && length + storage::kPageBytes <= kJournalFileBytes;
  if (wanted && position_.offset + length > kJournalFileBytes) end_file();
  if (wanted && position_.offset + length <= kJournalFileBytes) {
    meta_.insert(meta_.end(), data_.begin(), data_.end());
    storage::FrameHeader header;
    header.length = static_cast<std::uint32_t>(length);
    header.generation = position_.generation;
    header.sequence = position_.sequence + 1;
    header.previous_crc = position_.previous_crc;
    header.count = count_;
    header.data_bytes = static_cast<std::uint32_t>(data_.size());
    header.meta_bytes = static_cast<std::uint32_t>(meta_.size() - data_.size());
    header.payload_crc =
        common::crc32c(meta_, storage::frame_seed(superblock_.secret, header.generation, header.previous_crc));
    const auto encoded = storage::encode_frame_header(header, superblock_.secret);
    auto* at = files_.back().data() + position_.offset;
    std::ranges::copy(encoded, at);
    std::ranges::copy(meta_, at + encoded.size());
    frames_.push_back({files_.size() - 1, position_.offset, content});
    position_.sequence = header.sequence;
    position_.offset += length;
    position_.previous_crc = header.crc;
  }
  meta_.clear();
  data_.clear();
  count_ = 0;
}

void JournalScript::end_file() {
  if (files_.size() == kJournalFilesMax) return;
  auto& file = files_.emplace_back(kJournalFileBytes);
  position_.generation += 1;
  position_.offset = storage::kPageBytes;
  const auto header = storage::encode_file_header({.uuid = superblock_.uuid,
                                                   .generation = position_.generation,
                                                   .first_sequence = position_.sequence + 1,
                                                   .previous_crc = position_.previous_crc},
                                                  superblock_.secret);
  std::ranges::copy(header, file.begin());
}

}  // namespace fuzz
