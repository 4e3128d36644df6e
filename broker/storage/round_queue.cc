// Drafts of frames, filled by the core thread and taken by the journal thread.
#include "broker/storage/round_queue.h"

#include <utility>

namespace broker::storage {

std::uint64_t RoundQueue::add(const Record& record, const AppendPlace& place, std::optional<DraftAppend> append) {
  const auto* body = std::get_if<Append>(&record);
  // Encoded outside the lock; records other than appends are rare and small.
  thread_local std::vector<std::byte> encoded;
  encoded.clear();
  encode_record(encoded, record, place);
  const std::uint64_t bytes = encoded.size() + (body != nullptr ? body->bytes.size() : 0);

  std::unique_lock lock(mutex_);
  const bool fits =
      open_ && kHeaderBytes + drafts_.back().meta.size() + drafts_.back().data_bytes + bytes <= frame_bytes_max_;
  if (!fits) {
    drafts_.emplace_back().sequence = ++last_sequence_;
    open_ = true;
  }
  Draft& draft = drafts_.back();
  draft.count += 1;
  draft.meta.insert(draft.meta.end(), encoded.begin(), encoded.end());
  if (body != nullptr) {
    draft.data.push_back(body->bytes);
    draft.data_bytes += body->bytes.size();
    draft.appends.push_back(std::move(*append));
  }
  const std::uint64_t sequence = draft.sequence;
  const bool wake = !fits && drafts_.size() == 1 && !held_;
  // Who is woken while the lock is held only wakes up to sleep on it.
  lock.unlock();
  if (wake) changed_.notify_one();
  return sequence;
}

std::uint64_t RoundQueue::seal() {
  const std::scoped_lock lock(mutex_);
  open_ = false;
  return last_sequence_;
}

void RoundQueue::hold(bool held) {
  std::unique_lock lock(mutex_);
  held_ = held;
  const bool wake = !held_ && !drafts_.empty();
  lock.unlock();
  if (wake) changed_.notify_one();
}

std::optional<Draft> RoundQueue::take() {
  const std::scoped_lock lock(mutex_);
  if (drafts_.empty() || held_) return std::nullopt;
  std::optional<Draft> draft(std::move(drafts_.front()));
  drafts_.pop_front();
  if (drafts_.empty()) open_ = false;
  return draft;
}

std::optional<Draft> RoundQueue::take_mark() {
  const std::scoped_lock lock(mutex_);
  if (!drafts_.empty()) return std::nullopt;
  Draft mark;
  mark.sequence = ++last_sequence_;
  return mark;
}

std::uint64_t RoundQueue::last_sequence() const {
  const std::scoped_lock lock(mutex_);
  return last_sequence_;
}

RoundQueue::Wake RoundQueue::wait(std::optional<std::chrono::milliseconds> timeout, bool ignore_work) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return kicked_ || (!ignore_work && !drafts_.empty() && !held_); };
  if (!timeout) {
    changed_.wait(lock, ready);
  } else if (!changed_.wait_for(lock, *timeout, ready)) {
    return Wake::timeout;
  }
  return std::exchange(kicked_, false) ? Wake::kicked : Wake::work;
}

void RoundQueue::kick() {
  {
    const std::scoped_lock lock(mutex_);
    kicked_ = true;
  }
  changed_.notify_one();
}

}  // namespace broker::storage
