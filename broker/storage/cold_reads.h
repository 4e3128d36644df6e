// Reads that must wait for the disk, off the core thread: it leaves its questions here, one thread answers them, and
// the core takes the answers when it asks again. Bounded: a question too many is turned away and woken when there is
// room, an answer that nobody takes is dropped and read anew if somebody does ask.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broker/storage/segment_reader.h"

namespace broker::storage {

struct ColdAnswer {
  SegmentQuestion question;
  SegmentAnswer answer;
};

// Thread-safe.
class ColdReads {
 public:
  ColdReads(SegmentFiles& files, const Superblock& superblock) : files_(files), superblock_(superblock) {}

  // Core thread. Asked for already: nothing happens.
  void ask(const PartitionRef& partition, SegmentQuestion question, std::chrono::nanoseconds now);
  // None: no answer yet. Rethrows what the reading threw.
  [[nodiscard]] std::optional<ColdAnswer> take(const PartitionRef& partition, Offset from);
  // Partitions worth asking for again.
  [[nodiscard]] std::vector<PartitionRef> take_finished();
  // Answers to questions from before that time.
  void forget_before(std::chrono::nanoseconds time);

  // Reader's thread: answers one question, which waits for the disk; false: there is none.
  bool run_one();
  // Until there is a question or somebody kicks.
  void wait();
  void kick();

 private:
  using Key = std::pair<PartitionRef, Offset>;
  struct Job {
    SegmentQuestion question;
    SegmentAnswer answer;
    std::exception_ptr failure;
    std::chrono::nanoseconds asked_at{0};
    bool done = false;
  };
  void drop_old_answers();

  SegmentFiles& files_;
  const Superblock superblock_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<Key, Job> jobs_;
  std::deque<Key> waiting_;
  std::deque<Key> done_;  // oldest first; some may be taken already
  std::uint64_t done_bytes_ = 0;
  std::set<PartitionRef> finished_;
  std::set<PartitionRef> turned_away_;
  bool kicked_ = false;
};

}  // namespace broker::storage
