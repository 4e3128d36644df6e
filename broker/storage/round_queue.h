// Between the core thread and the journal thread: drafts of frames. The core adds to the last one, the journal thread
// takes the first one whole. A frame's number is given when its draft is begun, so a ticket is known at submit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "broker/storage/journal_writer.h"
#include "broker/storage/record_codec.h"
#include "broker/storage/segment_files.h"
#include "broker/storage/store.h"

namespace broker::storage {

struct DraftAppend {
  std::shared_ptr<SegmentFile> segment;
  std::uint64_t position = 0;
  SharedBytes keep_alive;
};

struct Draft {
  std::uint64_t sequence = 0;
  std::uint32_t count = 0;
  std::vector<std::byte> meta;
  std::vector<ConstBuffer> data;  // one per append, in the same order
  std::vector<DraftAppend> appends;
  std::uint64_t data_bytes = 0;

  [[nodiscard]] FrameContent content() const { return {sequence, count, meta, data, data_bytes}; }
};

// Thread-safe; never blocks for longer than the mutex, except wait().
class RoundQueue {
 public:
  RoundQueue(std::uint64_t last_sequence, std::uint64_t frame_bytes_max)
      : frame_bytes_max_(frame_bytes_max), last_sequence_(last_sequence) {}

  // The number of the frame it will be in. `append`: of an Append.
  std::uint64_t add(const Record& record, const AppendPlace& place, std::optional<DraftAppend> append);
  // What was added so far stays in frames up to the number returned; what follows comes in later ones.
  std::uint64_t seal();
  // While held, drafts only grow.
  void hold(bool held);
  // The first draft; none: nothing waits, or it is held.
  std::optional<Draft> take();
  // An empty draft, when nothing waits.
  std::optional<Draft> take_mark();
  [[nodiscard]] std::uint64_t last_sequence() const;

  enum class Wake { work, kicked, timeout };
  // Journal thread: until something waits (unless `ignore_work`: it is blocked by something else), somebody kicks, or
  // the time is over.
  Wake wait(std::optional<std::chrono::milliseconds> timeout, bool ignore_work);
  void kick();

 private:
  const std::uint64_t frame_bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Draft> drafts_;     // guarded by mutex_
  bool open_ = false;            // guarded by mutex_; the last draft may still grow
  bool kicked_ = false;          // guarded by mutex_
  bool held_ = false;            // guarded by mutex_
  std::uint64_t last_sequence_;  // guarded by mutex_; the last number given
};

}  // namespace broker::storage
