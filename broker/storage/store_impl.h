// The store: core-thread side of it (partitions, tail, tickets), and the composition of its parts. Threads:
// store_threads.h.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <unordered_set>
#include <vector>

#include "broker/storage/checkpointer.h"
#include "broker/storage/cold_reads.h"
#include "broker/storage/durable_mark.h"
#include "broker/storage/journal_worker.h"
#include "broker/storage/recovery.h"
#include "broker/storage/round_queue.h"
#include "broker/storage/store.h"
#include "broker/storage/store_hooks.h"
#include "broker/storage/store_threads.h"

namespace broker::storage {

// As Store says; the additional calls are for tests that drive it without threads.
class StoreImpl final : public Store {
 public:
  enum class Threads { own, none };
  StoreImpl(FileSystem& fs, const common::Clock& clock, const StoreOptions& options, StateMachine& state,
            Threads threads, StoreHooks hooks);
  // Without close(): stops where it is, as if the process ended.
  ~StoreImpl() override;

  Ticket submit(Record record, SharedBytes keep_alive) override;
  void begin_burst() override { queue_.hold(true); }
  void end_burst() override { queue_.hold(false); }
  RoomRefusal make_room(const PartitionRef& partition, std::uint64_t bytes) override;
  [[nodiscard]] Ticket durable() const override { return Ticket(mark_.durable()); }
  [[nodiscard]] int durable_fd() const override { return mark_.descriptor(); }
  std::vector<PartitionRef> take_advanced() override;
  [[nodiscard]] std::optional<std::string> poisoned() const override { return mark_.poisoned(); }
  [[nodiscard]] std::optional<PartitionBounds> bounds(const PartitionRef& partition) const override;
  ReadResult read(const PartitionRef& partition, Offset from, std::uint64_t bytes_max) override;
  std::optional<ReadResult> try_read(const PartitionRef& partition, Offset from, std::uint64_t bytes_max) override;
  FoundTime find_time(const PartitionRef& partition, std::int64_t timestamp_ms) override;
  std::optional<FoundTime> try_find_time(const PartitionRef& partition, std::int64_t timestamp_ms) override;
  void roll(const PartitionRef& partition) override;
  void maybe_checkpoint() override;
  void close() override;
  [[nodiscard]] std::string uuid() const override;
  [[nodiscard]] std::int32_t leader_epoch() const override { return folder_.leader_epoch; }
  [[nodiscard]] std::uint64_t append_bytes_max() const override { return frame_bytes_max_ - kPageBytes; }
  [[nodiscard]] std::vector<SegmentInfo> segments(const PartitionRef& partition) const override;

  // Only without threads.
  RoundOutcome run_one_round() { return worker_.run_one_round(); }
  RoundOutcome write_mark() { return worker_.write_mark(); }
  // One step of the background's work; false: nothing to do.
  bool run_background();
  // Answers one cold read; false: there is none.
  bool run_cold_read() { return cold_.run_one() == ColdStep::answered; }
  // Whether or not one is due.
  void start_checkpoint(bool clean = false);

 private:
  struct Undurable {
    std::uint64_t sequence = 0;
    std::shared_ptr<PartitionLog> log;
    Offset end;
  };
  struct Tail {
    std::uint64_t sequence = 0;
    std::shared_ptr<PartitionLog> log;
    std::uint64_t bytes = 0;
  };
  struct Promise {
    std::uint64_t sequence = 0;
    std::uint64_t bytes = 0;
  };
  std::uint64_t submit_append(const Append& append, const Record& record, const SharedBytes& keep_alive);
  // Takes over what the journal thread has made durable since the last call.
  void catch_up() const;
  void trim_tail();
  void forget_kept_promises();
  [[nodiscard]] bool checkpoint_is_due() const;
  void finish_rounds();

  FileSystem& fs_;
  const common::Clock& clock_;
  const StoreOptions options_;
  StateMachine& state_;
  OpenedFolder folder_;
  const std::uint64_t frame_bytes_max_;
  DurableMark mark_;
  RoundQueue queue_;
  Checkpointer checkpointer_;
  JournalWorker worker_;
  ColdReads cold_;

  // Core thread only.
  mutable std::deque<Undurable> undurable_;
  mutable std::unordered_set<PartitionRef, PartitionRefHash> advanced_;
  std::deque<Tail> tail_;
  std::uint64_t tail_bytes_ = 0;
  const void* tail_last_buffer_ = nullptr;
  std::deque<Promise> promises_;  // room for appends that is counted and not reserved
  std::uint64_t promised_bytes_ = 0;
  std::uint64_t submitted_bytes_ = 0;  // since the last checkpoint was begun
  std::uint64_t checkpoint_sequence_;
  std::chrono::nanoseconds checkpoint_at_;
  bool closed_ = false;

  std::unique_ptr<StoreThreads> threads_;  // last: ends first
};

}  // namespace broker::storage
