// The store's threads. Everything they do is in JournalWorker, Checkpointer and JournalFiles; here is only when.
#include "broker/storage/store_threads.h"

#include <cerrno>
#include <utility>

#include "common/log.h"

namespace broker::storage {

namespace {
constexpr std::chrono::milliseconds kMarkAfter{50};
constexpr std::chrono::milliseconds kRetryAfter{1000};
}  // namespace

StoreThreads::StoreThreads(RoundQueue& queue, JournalWorker& worker, Checkpointer& checkpointer, JournalFiles& files,
                           SegmentFiles& segments, ColdReads& cold, DurableMark& mark)
    : queue_(queue),
      worker_(worker),
      checkpointer_(checkpointer),
      files_(files),
      segments_(segments),
      cold_(cold),
      mark_(mark) {
  journal_ = std::thread([this] { journal_loop(); });
  background_ = std::thread([this] { background_loop(); });
  reader_ = std::thread([this] { reader_loop(); });
}

StoreThreads::~StoreThreads() {
  stop_ = true;
  queue_.kick();
  kick_background();
  cold_.kick();
  journal_.join();
  background_.join();
  reader_.join();
}

void StoreThreads::kick_background() {
  const std::scoped_lock lock(mutex_);
  background_kicked_ = true;
  background_changed_.notify_one();
}

bool StoreThreads::wait_written(std::uint64_t sequence, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return written_changed_.wait_for(lock, timeout, [&] { return mark_.written() >= sequence || mark_.is_poisoned(); });
}

void StoreThreads::journal_loop() {
  while (!stop_) {
    const RoundOutcome outcome = worker_.run_one_round();
    if (outcome == RoundOutcome::wrote) {
      if (checkpointer_.ready(mark_.written()) || segments_.writeback_waits()) kick_background();
      const std::scoped_lock lock(mutex_);
      written_changed_.notify_all();
      continue;
    }
    if (mark_.is_poisoned()) {
      const std::scoped_lock lock(mutex_);
      written_changed_.notify_all();
    }
    if (stop_) return;
    if (outcome == RoundOutcome::blocked) {
      kick_background();  // more files
      mark_.signal();     // the core is to ask for a checkpoint
      queue_.wait(kRetryAfter, true);
      continue;
    }
    const bool mark_due = worker_.mark_is_due() && !mark_.is_poisoned();
    const auto wake = queue_.wait(mark_due ? std::optional(kMarkAfter) : std::nullopt, mark_.is_poisoned());
    if (wake == RoundQueue::Wake::timeout && mark_due) worker_.write_mark();
  }
}

// True: it did something, so there may be more.
bool StoreThreads::background_step() {
  const CheckpointOutcome checkpoint = checkpointer_.run(mark_.written());
  if (checkpoint == CheckpointOutcome::done) {
    queue_.kick();
    return true;
  }
  if (segments_.start_writeback()) return true;
  try {
    if (!files_.prepare_one()) {
      starved_ = false;
      return false;
    }
    starved_ = false;
  } catch (const IoError& failure) {
    if (failure.error_number() != ENOSPC && failure.error_number() != EDQUOT) throw;
    if (!starved_.exchange(true)) common::log::warn("no room for the journal's files", {{"reason", failure.what()}});
    return false;
  }
  queue_.kick();
  return true;
}

void StoreThreads::reader_loop() {
  while (!stop_) {
    const ColdStep step = cold_.run_one();
    if (step != ColdStep::idle) mark_.signal();  // the core wakes whoever waits for it, and so takes what lies there
    if (step != ColdStep::answered) cold_.wait();
  }
}

void StoreThreads::background_loop() {
  while (!stop_) {
    try {
      while (!stop_ && !mark_.is_poisoned() && background_step()) {
      }
    } catch (const common::Error& failure) {
      mark_.poison(failure.what());
      queue_.kick();
    }
    std::unique_lock lock(mutex_);
    const auto kicked = [this] { return background_kicked_ || stop_; };
    if (starved_) {
      background_changed_.wait_for(lock, kRetryAfter, kicked);
    } else {
      background_changed_.wait(lock, kicked);
    }
    background_kicked_ = false;
  }
}

}  // namespace broker::storage
