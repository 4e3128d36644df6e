// The journal's rounds: take all that waits, write it as one frame, flush once, release, then give the same bytes to
// the segments. One call is one round, so that a test can stop between any two steps; the journal thread only repeats
// it.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "broker/storage/checkpointer.h"
#include "broker/storage/durable_mark.h"
#include "broker/storage/journal_writer.h"
#include "broker/storage/round_queue.h"
#include "broker/storage/store_hooks.h"

namespace broker::storage {

// Journal thread only.
class JournalWorker {
 public:
  JournalWorker(RoundQueue& queue, JournalWriter writer, SegmentFiles& segments, Checkpointer& checkpointer,
                DurableMark& mark, StoreHooks hooks)
      : queue_(queue),
        writer_(std::move(writer)),
        segments_(segments),
        checkpointer_(checkpointer),
        mark_(mark),
        hooks_(hooks) {}

  // A failing disk poisons the mark; nothing is written afterwards.
  RoundOutcome run_one_round();
  // An empty frame after the last acknowledged one, when nothing waits and none was written yet.
  RoundOutcome write_mark();
  [[nodiscard]] bool mark_is_due() const { return unmarked_; }
  // Any thread: the last frame is durable, but the disk has no room for its bytes in the segments. They are tried again
  // with every round; nothing else is written meanwhile.
  [[nodiscard]] bool waits_for_room() const { return waits_for_room_.load(std::memory_order_relaxed); }

 private:
  RoundOutcome write_draft();
  bool write_frame();
  bool write_segments();

  RoundQueue& queue_;
  JournalWriter writer_;
  SegmentFiles& segments_;
  Checkpointer& checkpointer_;
  DurableMark& mark_;
  const StoreHooks hooks_;
  std::optional<Draft> draft_;
  bool in_journal_ = false;  // the draft's frame is durable
  bool unmarked_ = false;
  std::atomic<bool> waits_for_room_{false};
  std::vector<std::size_t> order_;
  std::vector<ConstBuffer> buffers_;
};

}  // namespace broker::storage
