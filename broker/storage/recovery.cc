// Recovery: newest checkpoint, journal replayed by rewriting (never comparing), partitions cut at their ends, all
// flushed, a new checkpoint, then everything the new checkpoint does not know removed. Order: README.md and its
// invariants.
#include "broker/storage/recovery.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "broker/storage/accept_loss.h"
#include "broker/storage/checkpoint.h"
#include "broker/storage/journal_reader.h"
#include "broker/storage/record_codec.h"
#include "common/log.h"

namespace broker::storage {

namespace {

constexpr std::uint64_t kFirstJournalBytes = 1ULL << 20;  // a cold start does not wait for 64 MiB of zeros
constexpr std::chrono::seconds kProgressEvery{2};

class Recovery {
 public:
  Recovery(FileSystem& fs, const common::Clock& clock, const StoreOptions& options, StateMachine& state)
      : fs_(fs), clock_(clock), options_(options), state_(state) {}

  OpenedFolder open() {
    lock();
    auto superblock = read_superblock(fs_, options_.dir);
    if (!superblock) superblock = create();
    opened_.superblock = *superblock;
    opened_.segments = std::make_unique<SegmentFiles>(
        fs_, options_.dir / "data",
        std::clamp<std::size_t>(options_.open_segments_max, 1, std::max<std::size_t>(1, fs_.descriptors_max() / 2)),
        options_.flush_together_from);
    opened_.access = std::make_unique<SegmentAccess>(
        SegmentAccess{*opened_.segments, opened_.superblock, IndexCache(options_.index_cache_bytes)});
    opened_.partitions = std::make_unique<PartitionTable>(*opened_.access);
    opened_.journal =
        std::make_unique<JournalFiles>(fs_, options_.dir / "journal", opened_.superblock, options_.journal_file_bytes);
    opened_.segments->distrust_folders(true);

    load_checkpoint();
    replay();
    cut_partitions();
    start_epoch();
    if (clock_.steady() - started_ >= kProgressEvery) common::log::info("journal replayed, the disk flushes", {});
    opened_.segments->flush_dirty();
    stop_if_asked();
    upgrade();
    write_checkpoint();
    cut_accepted();
    remove_unknown();
    opened_.segments->distrust_folders(false);
    return std::move(opened_);
  }

 private:
  void lock() {
    fs_.make_directory(options_.dir);
    if (options_.dir.has_parent_path()) fs_.sync_directory(options_.dir.parent_path());
    opened_.lock = fs_.lock(options_.dir / "LOCK");
    if (!opened_.lock) {
      throw common::Error("the data folder " + options_.dir.string() +
                              " is in use by another broker; stop that one, or give this one its own --data-dir",
                          false, common::ExitCode::configuration);
    }
  }

  // A folder without a superblock was never finished, or is not ours.
  Superblock create() {
    if (!fs_.list(options_.dir / "data").empty()) {
      throw CorruptError(options_.dir.string() +
                         " holds data but no superblock \"store\"; restore that file from a copy of the folder, or "
                         "choose another --data-dir");
    }
    remove_older_checkpoints(fs_, options_.dir, UINT64_MAX);
    fs_.make_directory(options_.dir / "data");
    fs_.make_directory(options_.dir / "journal");
    for (const DirectoryEntry& entry : fs_.list(options_.dir / "journal"))
      fs_.remove(options_.dir / "journal" / entry.name);
    const Superblock superblock = make_superblock(fs_);
    JournalFiles journal(fs_, options_.dir / "journal", superblock, options_.journal_file_bytes);
    journal.make(std::min(kFirstJournalBytes, options_.journal_file_bytes));
    Checkpoint first;
    first.position = {.sequence = 0, .generation = 1, .offset = kPageBytes, .previous_crc = 0};
    first.clean = true;
    write_durably(fs_, checkpoint_path(options_.dir, 0), encode_checkpoint(first, superblock));
    write_superblock(fs_, options_.dir, superblock);
    return superblock;
  }

  void load_checkpoint() {
    auto checkpoint = read_newest_checkpoint(fs_, options_.dir, opened_.superblock);
    if (!checkpoint) {
      throw CorruptError(options_.dir.string() +
                         " has no checkpoint-… file, so its journal cannot be read; restore the folder from a copy, or "
                         "move it away to begin anew");
    }
    const std::vector<LossAccepted> losses = accept_losses(*checkpoint);
    for (const PartitionMark& partition : checkpoint->partitions) {
      stop_if_asked();
      for (const SegmentMark& segment : partition.segments) check_length(partition.partition, segment);
    }
    opened_.partitions->load(checkpoint->partitions);
    for (const Record& record : checkpoint->records) {
      if (std::holds_alternative<LossAccepted>(record)) opened_.partitions->apply(record);
      state_.apply(record);
    }
    for (const LossAccepted& loss : losses) {
      opened_.partitions->apply(loss);
      state_.apply(loss);
    }
    opened_.position = checkpoint->position;
    opened_.leader_epoch = checkpoint->leader_epoch;
    clean_ = checkpoint->clean;
  }

  // Before the journal is replayed: it holds the newest records whole, whatever became of the files.
  std::vector<LossAccepted> accept_losses(Checkpoint& checkpoint) {
    std::vector<LossAccepted> losses;
    for (const PartitionName& wanted : options_.accept_loss) {
      PartitionMark& mark = find_named(checkpoint, wanted);
      const SegmentMark last = mark.segments.empty() ? SegmentMark{} : mark.segments.back();
      const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall()).count();
      const AcceptedLoss loss = accept_loss(*opened_.segments, opened_.superblock, mark, now_ms);
      if (loss.lost.empty())
        common::log::warn("nothing is damaged, so nothing is given up", {{"partition", wanted.text()}});
      if (loss.last_segment_split) moved_[mark.partition] = {last.base, last.bytes, {}};
      accepted_.insert(mark.partition);
      losses.insert(losses.end(), loss.lost.begin(), loss.lost.end());
    }
    return losses;
  }

  static PartitionMark& find_named(Checkpoint& checkpoint, const PartitionName& wanted) {
    auto id = parse_topic_id(wanted.topic);
    for (const Record& record : checkpoint.records) {
      const auto* made = std::get_if<TopicMade>(&record);
      if (made != nullptr && made->name == wanted.topic) id = made->id;
    }
    const auto mark = std::ranges::find_if(checkpoint.partitions, [&](const PartitionMark& one) {
      return id && one.partition == PartitionRef{*id, wanted.partition};
    });
    if (mark != checkpoint.partitions.end()) return *mark;
    throw common::Error("--accept-loss " + wanted.text() + ": there is no such partition", false,
                        common::ExitCode::configuration);
  }

  void check_length(const PartitionRef& partition, const SegmentMark& segment) const {
    const std::filesystem::path path = opened_.segments->at(partition, segment.base)->path;
    const std::int64_t size = fs_.size_of(path);
    if (size >= static_cast<std::int64_t>(segment.bytes)) return;
    const std::string what = size < 0 ? "is missing" : "ends at byte " + std::to_string(size);
    throw CorruptError(
        path.string() + " " + what + ", but " + std::to_string(segment.bytes) +
        " bytes of it were acknowledged; restore the file from a copy, or give up what is missing with --accept-loss " +
        hex(partition.topic) + "/" + std::to_string(partition.partition.value()));
  }

  void replay() {
    opened_.journal->open_all();
    const auto files = opened_.journal->all();
    started_ = last_progress_ = clock_.steady();
    const JournalEnd end =
        read_journal(files, opened_.superblock, opened_.position, [this](const FrameView& frame) { apply(frame); });
    opened_.position = end.position;
    opened_.position.generation = std::max(end.position.generation, opened_.journal->newest_generation());
    frames_ = end.frames;
    if (end.frames > 0) {
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - started_);
      common::log::info("journal replayed", {{"frames", end.frames}, {"bytes", end.bytes}, {"ms", took.count()}});
    }
  }

  void stop_if_asked() const {
    if (options_.stop_requested && options_.stop_requested()) throw Stopped();
  }

  void apply(const FrameView& frame) {
    stop_if_asked();
    ByteReader meta(frame.meta);
    ByteReader data(frame.data);
    for (std::uint32_t i = 0; i < frame.header.count; ++i) {
      const DecodedRecord decoded = decode_record(meta, data);
      if (const auto* append = std::get_if<Append>(&decoded.record)) {
        rewrite(*append, place_of(*append, decoded.place));
      } else {
        opened_.partitions->apply(decoded.record);
      }
      state_.apply(decoded.record);
    }
    if (meta.left() != 0 || data.left() != 0) throw CorruptError("frame longer than its records");
    bytes_ += frame.header.length;
    // The disk begins with it now, so that the flush behind the replay finds little left to do.
    while (opened_.segments->start_writeback()) {
    }
    if (clock_.steady() - last_progress_ >= kProgressEvery) {
      last_progress_ = clock_.steady();
      common::log::info("journal replay goes on", {{"frame", frame.header.sequence}, {"bytes", bytes_}});
    }
  }

  // Where the journal's append belongs: as it says, unless the segment it continues has lost something.
  AppendPlace place_of(const Append& append, const AppendPlace& place) {
    const auto found = moved_.find(append.partition);
    if (found == moved_.end() || found->second.old_base != place.segment_base) return place;
    Moved& moved = found->second;
    if (!moved.new_base) moved.new_base = append.base;
    return {*moved.new_base, place.position - moved.old_bytes};
  }

  // Rewritten even when the file has the bytes already: after a failed flush they are readable and yet not on the disk.
  void rewrite(const Append& append, const AppendPlace& place) {
    const auto log = opened_.partitions->find(append.partition);
    if (!log) throw CorruptError("append to a partition that was never made");
    if (!log->is_continued_by(append, place)) {
      throw CorruptError("append that does not continue its partition");
    }
    log->add(append, place);
    opened_.segments->write(log->active_file(), {&append.bytes, 1}, place.position);
  }

  void cut_partitions() {
    for (const PartitionMark& partition : opened_.partitions->marks()) {
      const auto log = opened_.partitions->find(partition.partition);
      stop_if_asked();
      log->set_durable_end(partition.end);
      if (!accepted_.contains(partition.partition)) cut(*log);
    }
  }

  void cut(const PartitionLog& log) {
    for (const Segment& segment : log.segments()) {
      const auto bytes = static_cast<std::int64_t>(segment.mark().bytes);
      if (fs_.size_of(segment.file()->path) > bytes) opened_.segments->truncate(segment.file(), segment.mark().bytes);
    }
  }

  // What an older checkpoint knows whole must stay so until a newer one knows what is left of it.
  void cut_accepted() {
    for (const PartitionRef& partition : accepted_) {
      if (const auto log = opened_.partitions->find(partition)) cut(*log);
    }
  }

  void start_epoch() {
    if (clean_ && frames_ == 0) return;
    opened_.leader_epoch += 1;
    state_.apply(EpochStarted{opened_.leader_epoch, opened_.partitions->ends()});
  }

  // What an older program wrote has been read whole. From here on records are written that it does not know, so first
  // it is kept from opening the folder; a crash in between leaves old data under the new version, which is read as
  // well.
  void upgrade() {
    auto& superblock = opened_.superblock;
    if (superblock.format == kStoreFormat) return;
    write_superblock(fs_, options_.dir, superblock);
    common::log::info("data folder upgraded, older programs refuse it now",
                      {{"data_dir", options_.dir.string()}, {"from", superblock.format}, {"to", kStoreFormat}});
    superblock.format = kStoreFormat;
  }

  // Also makes sure of the names in the folder itself: superblock and checkpoint may be visible and not yet durable.
  void write_checkpoint() {
    Checkpoint checkpoint;
    checkpoint.position = opened_.position;
    checkpoint.position.generation += 1;
    checkpoint.position.offset = kPageBytes;
    checkpoint.leader_epoch = opened_.leader_epoch;
    checkpoint.partitions = opened_.partitions->marks();
    checkpoint.records = state_.snapshot();
    for (const LossAccepted& loss : opened_.partitions->losses()) checkpoint.records.emplace_back(loss);
    write_durably(fs_, checkpoint_path(options_.dir, checkpoint.position.sequence),
                  encode_checkpoint(checkpoint, opened_.superblock));
    opened_.journal->release_before(checkpoint.position.generation);
    remove_older_checkpoints(fs_, options_.dir, checkpoint.position.sequence);
  }

  // Segments begun by frames that were cut, of deleted topics and behind moved starts.
  void remove_unknown() {
    // What the replay wrote and then gave up is still open.
    for (const auto& segment : opened_.partitions->take_obsolete().segments) opened_.segments->remove(segment);
    std::set<std::filesystem::path> known;
    std::set<std::filesystem::path> known_topics;
    for (const PartitionMark& partition : opened_.partitions->marks()) {
      const std::filesystem::path folder = opened_.segments->folder_of(partition.partition);
      known_topics.insert(folder.parent_path());
      for (const SegmentMark& segment : partition.segments)
        known.insert(opened_.segments->at(partition.partition, segment.base)->path);
    }
    for (const DirectoryEntry& topic : fs_.list(opened_.segments->folder())) {
      const auto id = parse_topic_id(topic.name);
      if (!id) continue;  // not ours
      const std::filesystem::path folder = opened_.segments->folder() / topic.name;
      if (!known_topics.contains(folder)) {
        opened_.segments->remove_topic(*id);
        continue;
      }
      for (const DirectoryEntry& partition : fs_.list(folder)) {
        for (const DirectoryEntry& file : fs_.list(folder / partition.name)) {
          const std::filesystem::path path = folder / partition.name / file.name;
          const bool ours = path.extension() == ".log" || path.extension() == ".index";
          const bool left_over = file.name.ends_with(".index.tmp");
          if (left_over || (ours && !known.contains(std::filesystem::path(path).replace_extension(".log"))))
            fs_.remove(path);
        }
      }
    }
  }

  // A segment that was damaged: what the journal adds to it goes into a new one.
  struct Moved {
    Offset old_base;
    std::uint64_t old_bytes = 0;
    std::optional<Offset> new_base;
  };

  FileSystem& fs_;
  const common::Clock& clock_;
  const StoreOptions& options_;
  StateMachine& state_;
  OpenedFolder opened_;
  bool clean_ = false;
  std::uint64_t frames_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<PartitionRef, Moved> moved_;
  std::set<PartitionRef> accepted_;  // with --accept-loss
  std::chrono::nanoseconds started_{0};
  std::chrono::nanoseconds last_progress_{0};
};

}  // namespace

OpenedFolder open_folder(FileSystem& fs, const common::Clock& clock, const StoreOptions& options, StateMachine& state) {
  return Recovery(fs, clock, options, state).open();
}

}  // namespace broker::storage
