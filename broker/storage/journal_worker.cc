// One round of the journal.
#include "broker/storage/journal_worker.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

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

RoundOutcome JournalWorker::write_draft() {
  const FrameContent content = draft_->content();
  const std::uint64_t sequence = draft_->sequence;
  if (!checkpointer_.may_write(sequence)) return RoundOutcome::blocked;
  try {
    if (!writer_.make_ready(content.length())) {
      checkpointer_.starved(sequence, content.length());
      return RoundOutcome::blocked;
    }
    if (hooks_.release_before_flush) mark_.release(sequence);
    writer_.write(content);
    mark_.release(sequence);
    write_segments();
  } catch (const IoError& failure) {
    mark_.poison(failure.what());
    return RoundOutcome::idle;
  }
  unmarked_ = draft_->count > 0;
  draft_.reset();
  mark_.set_written(sequence);
  checkpointer_.wrote(writer_.position(), content.length());
  return RoundOutcome::wrote;
}

void JournalWorker::write_segments() {
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
    segments_.write(first.segment, buffers_, first.position);
  }
}

}  // namespace broker::storage
