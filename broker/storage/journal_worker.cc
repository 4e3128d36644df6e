// One round of the journal.
#include "broker/storage/journal_worker.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <numeric>
#include <utility>

#include "common/log.h"

namespace broker::storage {

RoundOutcome JournalWorker::run_one_round() {
  if (mark_.is_poisoned()) return RoundOutcome::idle;
  if (!draft_) draft_ = queue_.take();
  if (!draft_) return RoundOutcome::idle;
  return write_draft();
}

RoundOutcome JournalWorker::write_mark() {
  if (mark_.is_poisoned() || draft_ || !unmarked_) return RoundOutcome::idle;
  draft_ = queue_.take_mark();
  if (!draft_) return RoundOutcome::idle;
  return write_draft();
}

// False: a checkpoint or a journal file is wanting.
bool JournalWorker::write_frame() {
  const FrameContent content = draft_->content();
  if (!checkpointer_.may_write(draft_->sequence)) return false;
  if (!writer_.make_ready(content.length())) {
    checkpointer_.starved(draft_->sequence, content.length());
    return false;
  }
  if (hooks_.release_before_flush) mark_.release(draft_->sequence);
  writer_.write(content);
  mark_.release(draft_->sequence);
  return true;
}

RoundOutcome JournalWorker::write_draft() {
  const std::uint64_t sequence = draft_->sequence;
  try {
    if (!in_journal_) in_journal_ = write_frame();
    if (!in_journal_ || !write_segments()) return RoundOutcome::blocked;
  } catch (const IoError& failure) {
    mark_.poison(failure.what());
    return RoundOutcome::idle;
  }
  in_journal_ = false;
  unmarked_ = draft_->count > 0;
  const std::uint64_t bytes = draft_->content().length();
  draft_.reset();
  mark_.set_written(sequence);
  checkpointer_.wrote(writer_.position(), bytes);
  return RoundOutcome::wrote;
}

// False: somebody else took the room that was there when the offsets were given. The journal has the bytes and readers
// get them from memory, so nothing is lost by waiting.
bool JournalWorker::write_segments() {
  const auto& appends = draft_->appends;
  order_.resize(appends.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  // Appends of one segment follow each other in the file, so each segment takes one write.
  std::ranges::sort(order_, std::less(), [&](std::size_t i) { return std::pair(appends[i].segment.get(), i); });
  for (std::size_t i = 0; i < order_.size();) {
    const DraftAppend& first = appends[order_[i]];
    buffers_.clear();
    for (; i < order_.size() && appends[order_[i]].segment == first.segment; ++i)
      buffers_.push_back(draft_->data[order_[i]]);
    try {
      segments_.write(first.segment, buffers_, first.position);
    } catch (const IoError& failure) {
      if (failure.error_number() != ENOSPC && failure.error_number() != EDQUOT) throw;
      if (!waits_for_room_.exchange(true))
        common::log::error("the disk is full, durable records wait in the journal for room in their segments",
                           {{"reason", failure.what()}, {"next", "free some space on that disk"}});
      return false;
    }
  }
  waits_for_room_ = false;
  return true;
}

}  // namespace broker::storage
