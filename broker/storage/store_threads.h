// The three threads of a store: one repeats the journal's rounds, one makes checkpoints and prepares journal files, one
// reads what is not in memory.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "broker/storage/checkpointer.h"
#include "broker/storage/cold_reads.h"
#include "broker/storage/durable_mark.h"
#include "broker/storage/journal_files.h"
#include "broker/storage/journal_worker.h"
#include "broker/storage/round_queue.h"

namespace broker::storage {

class StoreThreads {
 public:
  StoreThreads(RoundQueue& queue, JournalWorker& worker, Checkpointer& checkpointer, JournalFiles& files,
               SegmentFiles& segments, ColdReads& cold, DurableMark& mark);
  ~StoreThreads();
  StoreThreads(const StoreThreads&) = delete;
  StoreThreads& operator=(const StoreThreads&) = delete;

  // Core thread: the background has something to do.
  void kick_background();
  // Blocks until the segments have all frames up to this one or the store is poisoned; false: the time was over first.
  bool wait_written(std::uint64_t sequence, std::chrono::milliseconds timeout);
  // No file can be made for the journal: the disk is full.
  [[nodiscard]] bool journal_is_starved() const { return starved_.load(std::memory_order_relaxed); }

 private:
  void journal_loop();
  void background_loop();
  void reader_loop();
  bool background_step();

  RoundQueue& queue_;
  JournalWorker& worker_;
  Checkpointer& checkpointer_;
  JournalFiles& files_;
  SegmentFiles& segments_;
  ColdReads& cold_;
  DurableMark& mark_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> starved_{false};
  std::mutex mutex_;
  std::condition_variable background_changed_;
  std::condition_variable written_changed_;
  bool background_kicked_ = false;  // guarded by mutex_
  std::thread journal_;
  std::thread background_;
  std::thread reader_;
};

}  // namespace broker::storage
