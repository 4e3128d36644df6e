// Checkpoints: flush the segments, write the state, and only then give anything up.
#include "broker/storage/checkpointer.h"

#include <cerrno>
#include <utility>

#include "common/log.h"

namespace broker::storage {

Checkpointer::Checkpointer(FileSystem& fs, std::filesystem::path folder, const Superblock& superblock,
                           JournalFiles& journal, SegmentFiles& segments, const JournalPosition& written,
                           std::uint64_t uncheckpointed_bytes_max)
    : fs_(fs),
      folder_(std::move(folder)),
      superblock_(superblock),
      journal_(journal),
      segments_(segments),
      uncheckpointed_bytes_max_(uncheckpointed_bytes_max),
      last_written_{written, 0},
      written_before_(last_written_) {}

bool Checkpointer::in_progress() const {
  const std::scoped_lock lock(mutex_);
  return request_.has_value();
}

bool Checkpointer::take_wanted() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(wanted_, false);
}

void Checkpointer::request(CheckpointRequest request) {
  const std::scoped_lock lock(mutex_);
  wanted_ = false;
  request_position_.reset();
  // Between taking the state and here the journal may have written up to that frame, and a mark behind it.
  for (const Written& written : {last_written_, written_before_}) {
    if (written.position.sequence != request.sequence) continue;
    request_position_ = written.position;
    request_bytes_ = written.bytes;
  }
  for (auto& segment : request.obsolete.segments) obsolete_.segments.push_back(std::move(segment));
  for (const TopicId& topic : request.obsolete.topics) obsolete_.topics.push_back(topic);
  request_ = std::move(request);
}

bool Checkpointer::may_write(std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  if (last_written_.bytes - checkpointed_bytes_ < uncheckpointed_bytes_max_) return true;
  // What the checkpoint under way needs must go through, or both would wait for ever.
  if (request_) return sequence <= request_->sequence;
  wanted_ = true;
  return false;
}

void Checkpointer::starved(std::uint64_t sequence, std::uint64_t frame_bytes) {
  const std::scoped_lock lock(mutex_);
  if (!request_) {
    wanted_ = true;
  } else if (sequence <= request_->sequence) {
    journal_.want_more(frame_bytes);
  }
}

void Checkpointer::wrote(const JournalPosition& position, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  written_before_ = last_written_;
  last_written_ = {position, written_before_.bytes + bytes};
  if (request_ && request_->sequence == position.sequence) {
    request_position_ = position;
    request_bytes_ = last_written_.bytes;
  }
}

bool Checkpointer::ready(std::uint64_t segments_written) const {
  const std::scoped_lock lock(mutex_);
  return request_ && request_position_ && segments_written >= request_->sequence;
}

CheckpointOutcome Checkpointer::run(std::uint64_t segments_written) {
  if (!ready(segments_written)) return CheckpointOutcome::nothing_to_do;
  JournalPosition position;
  std::vector<std::byte> encoded;
  std::vector<IndexWrite> indexes;
  {
    const std::scoped_lock lock(mutex_);
    position = *request_position_;
    encoded = std::move(request_->encoded);
    indexes = std::move(request_->indexes);
  }
  segments_.flush_dirty();
  set_position(encoded, position, superblock_);
  try {
    write_durably(fs_, checkpoint_path(folder_, position.sequence), encoded);
  } catch (const IoError& failure) {
    // Only the temporary file's write can say so; the journal keeps everything until a later one succeeds.
    if (failure.error_number() != ENOSPC && failure.error_number() != EDQUOT) throw;
    common::log::warn("checkpoint postponed, the disk is full",
                      {{"reason", failure.what()}, {"next", "free some space on that disk"}});
    const std::scoped_lock lock(mutex_);
    request_.reset();
    return CheckpointOutcome::no_room;
  }
  finish(position, indexes);
  return CheckpointOutcome::done;
}

// What an index covers is part of a checkpoint that is on the disk, so no recovery ever cuts it.
void Checkpointer::write_indexes(const std::vector<IndexWrite>& indexes) {
  for (const IndexWrite& write : indexes) {
    try {
      SegmentIndex index(write.identity.base);
      if (write.old_bytes > 0) index = *load_index(segments_, superblock_, write.file, write.identity, write.old_bytes);
      index.entries.insert(index.entries.end(), write.recent->entries.begin(), write.recent->entries.end());
      index.covers = write.recent->covers;
      index.end = write.recent->end;
      index.max_timestamp_ms = write.recent->max_timestamp_ms;
      write_index(fs_, write.file->path, index, write.identity, superblock_);
      if (write.give_back) segments_.truncate(write.file, index.covers);
    } catch (const CorruptError& failure) {
      common::log::error("a segment cannot be indexed", {{"reason", failure.what()}});
    }
  }
}

void Checkpointer::finish(const JournalPosition& position, const std::vector<IndexWrite>& indexes) {
  Obsolete obsolete;
  {
    const std::scoped_lock lock(mutex_);
    obsolete = std::exchange(obsolete_, {});
    checkpointed_bytes_ = request_bytes_;
    request_.reset();
  }
  journal_.release_before(position.generation);
  remove_older_checkpoints(fs_, folder_, position.sequence);
  write_indexes(indexes);
  for (const auto& segment : obsolete.segments) segments_.remove(segment);
  for (const TopicId& topic : obsolete.topics) segments_.remove_topic(topic);
}

}  // namespace broker::storage
