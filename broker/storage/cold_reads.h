// Reads that must wait for the disk, off the core thread: it leaves its questions here, one thread answers them, and
// the core takes the answers when it asks again. Bounded: a question too many is turned away and woken when there is
// room; answers that nobody takes are dropped, though not before whoever waits for them had the chance: the reader
// stops rather than read on over them. So each who waits gets on, however many they are.
#pragma once

#include <chrono>
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "broker/storage/segment_reader.h"

namespace broker::storage {

// One question to a partition: by offset, or by time from that offset on.
struct ColdKey {
  PartitionRef partition;
  Offset from;
  std::optional<std::int64_t> timestamp_ms;
  auto operator<=>(const ColdKey&) const = default;
};

// The segments to ask, in order, until one has something.
struct ColdQuestion {
  std::vector<SegmentQuestion> segments;
  Offset upto;  // what lay at or past it was in memory and is not asked for
};

struct ColdAnswer {
  ColdQuestion question;
  std::vector<SegmentAnswer> answers;  // of the segments that were asked; only the last may have found something
};

enum class ColdStep { answered, idle, full };

// Thread-safe.
class ColdReads {
 public:
  static constexpr std::uint64_t kDoneBytesMax = 32ULL << 20;
  // `done_bytes_max`: of answers that lie there; the last one may go beyond.
  ColdReads(SegmentFiles& files, const Superblock& superblock, std::uint64_t done_bytes_max = kDoneBytesMax)
      : files_(files), superblock_(superblock), done_bytes_max_(done_bytes_max) {}

  // Core thread. Asked for already: nothing happens.
  void ask(const ColdKey& key, ColdQuestion question, std::chrono::nanoseconds now);
  // None: no answer yet. Rethrows what the reading threw.
  [[nodiscard]] std::optional<ColdAnswer> take(const ColdKey& key);
  // Partitions worth asking for again; whoever waits for them does so before the next call.
  [[nodiscard]] std::vector<PartitionRef> take_finished();
  // Answers to questions from before that time.
  void forget_before(std::chrono::nanoseconds time);

  // Reader's thread: answers one question, which waits for the disk. Full: too many answers lie there that were not
  // taken yet; it can go on after at most two calls of take_finished.
  ColdStep run_one();
  // Until run_one may have something to do, or somebody kicks.
  void wait();
  void kick();

 private:
  struct Job {
    ColdQuestion question;
    std::vector<SegmentAnswer> answers;
    std::exception_ptr failure;
    std::chrono::nanoseconds asked_at{0};
    std::uint64_t bytes = 0;    // of the answers
    std::uint64_t done_in = 0;  // the look in which it will be told of
    bool done = false;
  };
  void answer_all(Job& job);
  void drop_old_answers();
  [[nodiscard]] bool is_full() const;

  SegmentFiles& files_;
  const Superblock superblock_;
  const std::uint64_t done_bytes_max_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<ColdKey, Job> jobs_;
  std::deque<ColdKey> waiting_;
  std::deque<ColdKey> done_;  // oldest first; some may be taken already
  std::uint64_t done_bytes_ = 0;
  std::uint64_t looks_ = 0;  // calls of take_finished
  bool looked_ = false;      // since the reader found it full
  std::set<PartitionRef> finished_;
  std::set<PartitionRef> turned_away_;
  bool kicked_ = false;
};

}  // namespace broker::storage
