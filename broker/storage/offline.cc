// Reading a folder without recovering it: the checkpoint says what the segments must hold, the journal brings what came
// after it, and both are proven byte for byte.
#include "broker/storage/offline.h"

#include <algorithm>
#include <set>

#include "broker/storage/record_codec.h"
#include "broker/storage/segment_scan.h"

namespace broker::storage {

namespace {
constexpr std::size_t kOpenMax = 16;
constexpr std::size_t kIndexCacheBytes = 1 << 20;
}  // namespace

OfflineFolder::OfflineFolder(FileSystem& fs, std::filesystem::path folder, StateMachine& state)
    : fs_(fs),
      folder_(std::move(folder)),
      state_(state),
      lock_(fs.lock_shared(folder_ / "LOCK")),
      files_(std::make_unique<SegmentFiles>(fs, folder_ / "data", kOpenMax)) {
  if (!lock_) {
    throw common::Error(
        "the data folder " + folder_.string() + " is in use by a broker; stop it first, or look at a copy", false,
        common::ExitCode::configuration);
  }
  try {
    superblock_ = read_superblock(fs_, folder_);
    if (!superblock_) find((folder_ / "store").string() + " is missing: nothing else can be proven without it");
  } catch (const CorruptError& failure) {
    if (failure.exit_code() == common::ExitCode::configuration) throw;
    find(failure.what());
  }
  access_ = std::make_unique<SegmentAccess>(
      SegmentAccess{*files_, superblock_.value_or(Superblock{}), IndexCache(kIndexCacheBytes)});
  partitions_ = std::make_unique<PartitionTable>(*access_);
  if (!superblock_) return;
  read_checkpoint();
  if (checkpoint_) read_journal_records();
}

OfflineFolder::~OfflineFolder() = default;

void OfflineFolder::find(std::string text, std::optional<PartitionRef> partition) {
  findings_.push_back({partition, std::move(text)});
}

void OfflineFolder::read_checkpoint() {
  try {
    checkpoint_ = read_newest_checkpoint(fs_, folder_, *superblock_);
    if (!checkpoint_) return find(folder_.string() + " has no checkpoint-… file: its journal cannot be read");
  } catch (const CorruptError& failure) {
    return find(failure.what());
  }
  partitions_->load(checkpoint_->partitions);
  for (const Record& record : checkpoint_->records) {
    if (std::holds_alternative<LossAccepted>(record)) partitions_->apply(record);
    state_.apply(record);
  }
}

void OfflineFolder::read_journal_records() {
  try {
    const auto files = open_journal_to_read(fs_, folder_ / "journal", *superblock_);
    journal_end_ =
        read_journal(files, *superblock_, checkpoint_->position, [this](const FrameView& frame) { apply(frame); });
  } catch (const CorruptError& failure) {
    find(failure.what());
  }
}

void OfflineFolder::apply(const FrameView& frame) {
  ByteReader meta(frame.meta);
  ByteReader data(frame.data);
  for (std::uint32_t i = 0; i < frame.header.count; ++i) {
    const DecodedRecord decoded = decode_record(meta, data);
    if (const auto* append = std::get_if<Append>(&decoded.record)) {
      check_append(*append, decoded.place, frame);
      const auto log = partitions_->find(append->partition);
      if (log && log->is_continued_by(*append, decoded.place)) log->add(*append, decoded.place);
    } else {
      partitions_->apply(decoded.record);
    }
    state_.apply(decoded.record);
  }
}

void OfflineFolder::check_append(const Append& append, const AppendPlace& place, const FrameView& frame) {
  const auto header = parse_batch_header(append.bytes);
  const std::string where = "frame " + std::to_string(frame.header.sequence) + " of the journal";
  if (!header || !batch_is_whole(*header, append.bytes) || header->base != append.base)
    return find(where + " holds a damaged batch at offset " + std::to_string(append.base.value()), append.partition);
  const auto log = partitions_->find(append.partition);
  if (!log || !log->is_continued_by(append, place))
    return find(where + " holds an append that does not continue its partition", append.partition);
  journal_totals_.batches += 1;
  journal_totals_.records += append.count;
  journal_totals_.bytes += append.bytes.size();
}

std::optional<PartitionBounds> OfflineFolder::bounds(const PartitionRef& partition) const {
  const auto log = partitions_->find(partition);
  if (!log) return std::nullopt;
  return log->bounds();
}

void OfflineFolder::check_segment(const PartitionMark& partition, const SegmentMark& segment, OfflineTotals& totals) {
  const std::filesystem::path path = files_->at(partition.partition, segment.base)->path;
  const auto file = fs_.open(path, OpenMode::read_existing);
  const auto index = read_index(fs_, path, {partition.partition, segment.base}, segment.bytes, *superblock_);
  const SegmentScan scan =
      scan_segment(file.get(), segment, index ? &*index : nullptr, [&](const BatchHeader& header, std::uint64_t) {
        if (header.end <= partition.start) return;
        totals.batches += 1;
        totals.records += header.end.value() - header.base.value();
      });
  totals.segments += 1;
  totals.bytes += scan.bytes;
  for (const SegmentDamage& damage : scan.damages) {
    find(path.string() + (file ? " at byte " + std::to_string(damage.position) + ": " + damage.what : " is missing") +
             ", offsets " + std::to_string(damage.from.value()) + " to " + std::to_string(damage.to.value() - 1),
         partition.partition);
  }
}

// Between its segments, and before its end, a partition may want only what was given up.
void OfflineFolder::find_gaps(const PartitionMark& partition) {
  Offset next = partition.segments.empty() ? partition.end : partition.segments.front().base;
  const auto expect = [&](Offset at) {
    const bool given_up = std::ranges::any_of(losses(), [&](const LossAccepted& loss) {
      return loss.partition == partition.partition && loss.from <= next && loss.to >= at;
    });
    if (at > next && at > partition.start && !given_up)
      find("offsets " + std::to_string(next.value()) + " to " + std::to_string(at.value() - 1) + " are in no segment",
           partition.partition);
  };
  for (const SegmentMark& segment : partition.segments) {
    expect(segment.base);
    next = segment.end;
  }
  expect(partition.end);
}

OfflineTotals OfflineFolder::check_segments() {
  OfflineTotals totals = journal_totals_;
  if (!checkpoint_) return totals;
  // The journal's part of a segment was proven with the journal: the file need not have it yet.
  for (const PartitionMark& partition : checkpoint_->partitions) {
    for (const SegmentMark& segment : partition.segments) {
      try {
        check_segment(partition, segment, totals);
      } catch (const IoError& failure) {
        find(failure.what(), partition.partition);
      }
    }
    find_gaps(partition);
  }
  return totals;
}

}  // namespace broker::storage
