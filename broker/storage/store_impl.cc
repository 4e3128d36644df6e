// The store on the core thread: assigns places and tickets, follows the durable mark, reads, asks for checkpoints.
#include "broker/storage/store_impl.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/ensure.h"
#include "common/log.h"

namespace broker::storage {

namespace {

constexpr std::uint64_t kCheckpointFramesMax = 64 << 10;
// Segments smaller than this are counted, not reserved: thousands of partitions that begin at once would otherwise make
// their files on the core thread, and hold blocks that most of them never fill.
constexpr std::uint64_t kReserveFromBytes = 64ULL << 10;
constexpr std::uint64_t kReserveStepMax = 16ULL << 20;
constexpr std::uint64_t kFileOverheadBytes = 16ULL << 10;  // of a counted append: the last block, the file, its folders
constexpr std::chrono::milliseconds kCloseLookEvery{100};
constexpr int kCloseLooksWithoutRoom = 50;
constexpr std::uint64_t kColdReadBytesMax = 4ULL << 20;
constexpr std::chrono::seconds kColdAnswerKept{10};

JournalPosition fresh_generation(JournalPosition position) {
  position.generation += 1;
  position.offset = kPageBytes;
  return position;
}

// To at most bytes_max, but at least one batch.
void cut_to_batches(common::ByteBuffer& bytes, std::uint64_t bytes_max) {
  std::size_t whole = 0;
  while (whole < bytes.size()) {
    const auto header = parse_batch_header(ConstBuffer(bytes).subspan(whole));
    if (!header || (whole > 0 && whole + header->bytes > bytes_max)) break;
    whole += header->bytes;
  }
  bytes.resize(whole);
}

}  // namespace

std::unique_ptr<Store> Store::open(FileSystem& fs, const common::Clock& clock, const StoreOptions& options,
                                   StateMachine& state) {
  return std::make_unique<StoreImpl>(fs, clock, options, state, StoreImpl::Threads::own, StoreHooks{});
}

StoreImpl::StoreImpl(FileSystem& fs, const common::Clock& clock, const StoreOptions& options, StateMachine& state,
                     Threads threads, StoreHooks hooks)
    : fs_(fs),
      clock_(clock),
      options_(options),
      state_(state),
      folder_(open_folder(fs, clock, options, state)),
      frame_bytes_max_(std::min(kFrameBytesMax, whole_pages(options.journal_file_bytes) - kPageBytes)),
      mark_(folder_.position.sequence),
      queue_(folder_.position.sequence, frame_bytes_max_),
      checkpointer_(fs, options.dir, folder_.superblock, *folder_.journal, *folder_.segments,
                    fresh_generation(folder_.position),
                    std::min(options.uncheckpointed_bytes_max, 2 * whole_pages(options.journal_file_bytes))),
      worker_(queue_, JournalWriter(*folder_.journal, folder_.superblock, folder_.position), *folder_.segments,
              checkpointer_, mark_, hooks),
      cold_(*folder_.segments, folder_.superblock),
      checkpoint_sequence_(folder_.position.sequence),
      checkpoint_at_(clock.steady()) {
  if (threads == Threads::own)
    threads_ = std::make_unique<StoreThreads>(queue_, worker_, checkpointer_, *folder_.journal, *folder_.segments,
                                              cold_, mark_);
}

StoreImpl::~StoreImpl() = default;

std::uint64_t StoreImpl::submit_append(const Append& append, const Record& record, const SharedBytes& keep_alive) {
  auto log = folder_.partitions->find(append.partition);
  ENSURE(log != nullptr, "an append goes to a partition that was made");
  ENSURE(log->bounds().end == append.base, "offsets are given without a gap");
  ENSURE(append.count > 0, "a batch holds records");
  ENSURE(append.bytes.size() <= append_bytes_max(), "an append fits into a frame");
  const AppendPlace place = log->place(append.base, append.bytes.size(), options_.segment_bytes);
  log->add(append, place);
  const bool counted = place.position + append.bytes.size() > log->segments().back().reserved();
  log->push_tail(append, place, keep_alive);
  const std::uint64_t sequence = queue_.add(record, place, DraftAppend{log->active_file(), place.position, keep_alive});

  if (counted) {
    promises_.push_back({sequence, append.bytes.size() + kFileOverheadBytes});
    promised_bytes_ += promises_.back().bytes;
  }

  const Offset end = log->bounds().end;
  if (!undurable_.empty() && undurable_.back().sequence == sequence && undurable_.back().log == log) {
    undurable_.back().end = end;
  } else {
    undurable_.push_back({sequence, log, end});
  }
  // What is held is the whole buffer, but several batches may share one.
  std::uint64_t held = append.bytes.size();
  if (keep_alive) held = keep_alive.get() == tail_last_buffer_ ? 0 : keep_alive->size();
  tail_last_buffer_ = keep_alive.get();
  tail_.push_back({sequence, std::move(log), held});
  tail_bytes_ += held;
  submitted_bytes_ += append.bytes.size();
  return sequence;
}

Ticket StoreImpl::submit(Record record, SharedBytes keep_alive) {
  ENSURE(!closed_, "nothing is submitted after close");
  submitted_bytes_ += kHeaderBytes;
  if (const auto* append = std::get_if<Append>(&record)) {
    const std::uint64_t sequence = submit_append(*append, record, keep_alive);
    trim_tail();
    return Ticket(sequence);
  }
  folder_.partitions->apply(record);
  return Ticket(queue_.add(record, {}, std::nullopt));
}

// What a counted append was promised is taken from the disk's room when its segment's write has returned.
void StoreImpl::forget_kept_promises() {
  const std::uint64_t written = mark_.written();
  for (; !promises_.empty() && promises_.front().sequence <= written; promises_.pop_front())
    promised_bytes_ -= promises_.front().bytes;
}

RoomRefusal StoreImpl::make_room(const PartitionRef& partition, std::uint64_t bytes) {
  const auto log = folder_.partitions->find(partition);
  if (!log || mark_.is_poisoned()) return RoomRefusal::none;
  if (worker_.waits_for_room() || (threads_ && threads_->journal_is_starved())) return RoomRefusal::disk_full;
  Segment& segment = log->segment_for(log->bounds().end, bytes, options_.segment_bytes);
  const std::uint64_t filled = segment.mark().bytes;
  const std::uint64_t needed = filled + bytes;
  if (needed <= segment.reserved()) return RoomRefusal::none;
  try {
    forget_kept_promises();
    const std::uint64_t room = fs_.room(options_.dir);
    const std::uint64_t kept = options_.reserve_bytes + promised_bytes_;
    if (filled < kReserveFromBytes)
      return kept + bytes + kFileOverheadBytes > room ? RoomRefusal::disk_full : RoomRefusal::none;
    const std::uint64_t from = std::max(filled, segment.reserved());
    std::uint64_t to = std::max(needed, std::min(needed + std::min(filled, kReserveStepMax), options_.segment_bytes));
    if (to - from + kept > room) to = needed;
    if (to - from + kept > room) return RoomRefusal::disk_full;
    if (folder_.segments->reserve(segment.file(), from, to - from) == Reservation::no_room)
      return RoomRefusal::disk_full;
    segment.set_reserved(to);
  } catch (const IoError& failure) {
    mark_.poison(failure.what());
  }
  return RoomRefusal::none;
}

void StoreImpl::catch_up() const {
  const std::uint64_t durable = mark_.durable();
  while (!undurable_.empty() && undurable_.front().sequence <= durable) {
    Undurable& next = undurable_.front();
    next.log->set_durable_end(next.end);
    advanced_.insert(next.log->ref());
    undurable_.pop_front();
  }
}

void StoreImpl::trim_tail() {
  forget_kept_promises();
  const std::uint64_t written = mark_.written();
  while (tail_bytes_ > options_.tail_cache_bytes && !tail_.empty() && tail_.front().sequence <= written) {
    tail_.front().log->pop_tail();
    tail_bytes_ -= tail_.front().bytes;
    tail_.pop_front();
  }
}

std::vector<PartitionRef> StoreImpl::take_advanced() {
  catch_up();
  trim_tail();
  for (const PartitionRef& partition : cold_.take_finished()) advanced_.insert(partition);
  std::vector<PartitionRef> advanced(advanced_.begin(), advanced_.end());
  advanced_.clear();
  return advanced;
}

std::optional<PartitionBounds> StoreImpl::bounds(const PartitionRef& partition) const {
  catch_up();
  const auto log = folder_.partitions->find(partition);
  if (!log) return std::nullopt;
  return log->bounds();
}

ReadResult StoreImpl::read(const PartitionRef& partition, Offset from, std::uint64_t bytes_max) {
  catch_up();
  const auto log = folder_.partitions->find(partition);
  ENSURE(log != nullptr, "reads go to partitions that exist");
  return {log->read(from, bytes_max)};
}

std::optional<ReadResult> StoreImpl::try_read(const PartitionRef& partition, Offset from, std::uint64_t bytes_max) {
  catch_up();
  const auto log = folder_.partitions->find(partition);
  ENSURE(log != nullptr, "reads go to partitions that exist");
  const ColdKey key{partition, from, std::nullopt};
  if (auto cold = cold_.take(key)) {
    log->learn(*cold);
    ReadResult result{std::move(cold->answers.back().bytes)};
    cut_to_batches(result.bytes, bytes_max);
    return result;
  }
  ColdQuestion question;
  if (auto bytes = log->try_read(from, std::min(bytes_max, kColdReadBytesMax), question))
    return ReadResult{std::move(*bytes)};
  cold_.ask(key, std::move(question), clock_.steady());
  return std::nullopt;
}

void StoreImpl::roll(const PartitionRef& partition) {
  if (const auto log = folder_.partitions->find(partition)) log->roll();
}

FoundTime StoreImpl::find_time(const PartitionRef& partition, std::int64_t timestamp_ms) {
  catch_up();
  const auto log = folder_.partitions->find(partition);
  return log ? log->find_time(timestamp_ms) : FoundTime();
}

std::optional<FoundTime> StoreImpl::try_find_time(const PartitionRef& partition, std::int64_t timestamp_ms) {
  catch_up();
  const auto log = folder_.partitions->find(partition);
  if (!log) return FoundTime();
  const ColdKey key{partition, log->bounds().start, timestamp_ms};
  if (const auto cold = cold_.take(key)) {
    if (auto found = log->conclude(*cold, timestamp_ms)) return found;
  }
  ColdQuestion question;
  if (auto found = log->try_find_time(timestamp_ms, question)) return found;
  cold_.ask(key, std::move(question), clock_.steady());
  return std::nullopt;
}

std::vector<SegmentInfo> StoreImpl::segments(const PartitionRef& partition) const {
  std::vector<SegmentInfo> segments;
  const auto log = folder_.partitions->find(partition);
  if (!log) return segments;
  for (const Segment& segment : log->segments()) {
    const SegmentMark& mark = segment.mark();
    segments.push_back({.base = mark.base,
                        .end = mark.end,
                        .bytes = mark.bytes,
                        .last_append_ms = mark.last_append_ms,
                        .first_append_ms = mark.first_append_ms});
  }
  return segments;
}

bool StoreImpl::checkpoint_is_due() const {
  if (submitted_bytes_ == 0) return false;
  if (submitted_bytes_ >= std::min(options_.checkpoint_bytes, options_.journal_file_bytes)) return true;
  if (queue_.last_sequence() - checkpoint_sequence_ >= kCheckpointFramesMax) return true;
  return clock_.steady() - checkpoint_at_ >= options_.checkpoint_interval;
}

void StoreImpl::maybe_checkpoint() {
  cold_.forget_before(clock_.steady() - kColdAnswerKept);
  if (mark_.is_poisoned() || checkpointer_.in_progress()) return;
  if (checkpointer_.take_wanted() || checkpoint_is_due()) start_checkpoint();
}

void StoreImpl::start_checkpoint(bool clean) {
  Checkpoint checkpoint;
  CheckpointRequest request;
  // State and bounds are those after this frame: what is submitted from here on goes into a later one.
  request.sequence = queue_.seal();
  checkpoint.position.sequence = request.sequence;
  checkpoint.clean = clean;
  checkpoint.leader_epoch = folder_.leader_epoch;
  checkpoint.partitions = folder_.partitions->marks();
  checkpoint.records = state_.snapshot();
  for (const LossAccepted& loss : folder_.partitions->losses()) checkpoint.records.emplace_back(loss);
  request.encoded = encode_checkpoint(checkpoint, folder_.superblock);
  request.obsolete = folder_.partitions->take_obsolete();
  request.indexes = folder_.partitions->take_indexes(options_.index_bytes_min, clean);
  submitted_bytes_ = 0;
  checkpoint_sequence_ = request.sequence;
  checkpoint_at_ = clock_.steady();
  checkpointer_.request(std::move(request));
  if (threads_) threads_->kick_background();
}

bool StoreImpl::run_background() {
  if (mark_.is_poisoned()) return false;
  try {
    if (checkpointer_.run(mark_.written()) == CheckpointOutcome::done) return true;
    return folder_.segments->start_writeback() || folder_.journal->prepare_one();
  } catch (const IoError& failure) {
    if (failure.error_number() != ENOSPC) mark_.poison(failure.what());
    return false;
  }
}

void StoreImpl::finish_rounds() {
  for (;;) {
    const RoundOutcome outcome = worker_.run_one_round();
    if (outcome == RoundOutcome::idle) return;
    if (outcome == RoundOutcome::wrote) continue;
    maybe_checkpoint();
    if (!run_background() && !mark_.is_poisoned()) {
      mark_.poison("no room left in " + options_.dir.string() + "; free some space on that disk");
    }
  }
}

void StoreImpl::close() {
  if (closed_) return;
  const std::uint64_t last = queue_.seal();
  if (threads_) {
    // A full disk holds up the end for some seconds, not for ever: what is durable is so in the journal.
    int without_room = 0;
    while (!threads_->wait_written(last, kCloseLookEvery)) {
      maybe_checkpoint();
      const bool full = worker_.waits_for_room() || threads_->journal_is_starved();
      without_room = full ? without_room + 1 : 0;
      if (without_room >= kCloseLooksWithoutRoom)
        mark_.poison("no room left in " + options_.dir.string() + "; free some space on that disk");
    }
    threads_.reset();
  }
  finish_rounds();
  while (checkpointer_.in_progress() && run_background()) {
  }
  if (!mark_.is_poisoned()) {
    start_checkpoint(true);
    while (checkpointer_.in_progress() && run_background()) {
    }
  }
  catch_up();
  closed_ = true;
  if (!mark_.is_poisoned()) common::log::info("storage closed", {{"frame", mark_.durable()}});
}

std::string StoreImpl::uuid() const {
  std::string text = hex(folder_.superblock.uuid);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace broker::storage
