// One partition's log as the core thread sees it: segments, and the tail that still lies in the submitters' buffers.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/storage/cold_reads.h"
#include "broker/storage/record_codec.h"
#include "broker/storage/segment.h"
#include "broker/storage/store.h"

namespace broker::storage {

// What all logs read through. The cache belongs to the core thread.
struct SegmentAccess {
  SegmentFiles& files;
  Superblock superblock;
  IndexCache indexes;
};

// Core thread only.
class PartitionLog {
 public:
  PartitionLog(PartitionRef ref, SegmentAccess& access) : ref_(ref), access_(access) {}
  PartitionLog(const PartitionMark& mark, SegmentAccess& access);

  [[nodiscard]] const PartitionRef& ref() const { return ref_; }
  [[nodiscard]] PartitionBounds bounds() const;
  [[nodiscard]] PartitionMark mark() const;
  [[nodiscard]] const std::deque<Segment>& segments() const { return segments_; }

  // Where an append of this size goes, beginning a new segment when the last one is full.
  AppendPlace place(Offset base, std::uint64_t bytes, std::uint64_t segment_bytes);
  // The next segment beforehand, so that room can be reserved in it; forgotten when the append goes elsewhere.
  Segment& segment_for(Offset base, std::uint64_t bytes, std::uint64_t segment_bytes);
  // In replay: the next offset, at the end of the segment or at the beginning of a new one.
  [[nodiscard]] bool is_continued_by(const Append& append, const AppendPlace& place) const;
  // Takes the append at the place; makes the segment when the place begins one.
  void add(const Append& append, const AppendPlace& place);
  [[nodiscard]] const std::shared_ptr<SegmentFile>& active_file() const { return segments_.back().file(); }

  // Keeps the append's bytes for readers until the segment's file has them.
  void push_tail(const Append& append, const AppendPlace& place, SharedBytes keep_alive);
  void pop_tail() { tail_.pop_front(); }

  void set_durable_end(Offset end) { durable_end_ = end; }
  // The next append begins a new segment.
  void roll();
  // Indexes that are worth writing now; `last`: nothing will be appended any more.
  void take_indexes(std::uint64_t bytes_min, bool last, std::vector<IndexWrite>& into);
  // Segments that lie wholly before the new start are handed out to be removed.
  [[nodiscard]] std::vector<std::shared_ptr<SegmentFile>> move_start(Offset start);
  [[nodiscard]] std::vector<std::shared_ptr<SegmentFile>> take_files();

  // May wait for the disk.
  [[nodiscard]] common::ByteBuffer read(Offset from, std::uint64_t bytes_max);
  // None: that would wait for the disk; `cold` is the question to be answered by somebody who may.
  [[nodiscard]] std::optional<common::ByteBuffer> try_read(Offset from, std::uint64_t bytes_max, ColdQuestion& cold);
  // What came of it.
  void learn(const ColdAnswer& cold);
  // The same two, by time.
  [[nodiscard]] FoundTime find_time(std::int64_t timestamp_ms);
  [[nodiscard]] std::optional<FoundTime> try_find_time(std::int64_t timestamp_ms, ColdQuestion& cold);
  // What a question by time came to. None: the partition has gone on meanwhile, ask again.
  [[nodiscard]] std::optional<FoundTime> conclude(const ColdAnswer& cold, std::int64_t timestamp_ms);

 private:
  struct TailBatch {
    Offset base;
    Offset end;
    std::int64_t max_timestamp_ms = -1;
    AppendPlace place;
    ConstBuffer bytes;
    SharedBytes keep_alive;
  };
  // Up to where the segment's file may be read: what follows is in the tail.
  [[nodiscard]] std::uint64_t limit_of(const Segment& segment) const;
  [[nodiscard]] bool begins_segment(std::uint64_t bytes, std::uint64_t segment_bytes) const;
  [[nodiscard]] std::optional<common::ByteBuffer> read_as(Offset from, std::uint64_t bytes_max, MayWait may_wait,
                                                          ColdQuestion& cold);
  void learn(const SegmentQuestion& question, const SegmentAnswer& answer);
  [[nodiscard]] std::optional<FoundTime> find_time_as(std::int64_t timestamp_ms, MayWait may_wait, ColdQuestion& cold);
  [[nodiscard]] FoundTime find_time_in_tail(std::int64_t timestamp_ms) const;
  // What lies before it is in the segments' files.
  [[nodiscard]] Offset files_end() const { return tail_.empty() ? end_ : tail_.front().base; }
  [[nodiscard]] common::ByteBuffer read_tail(Offset from, std::uint64_t bytes_max) const;

  PartitionRef ref_;
  SegmentAccess& access_;
  Offset start_{0};
  Offset end_{0};
  Offset durable_end_{0};
  std::uint64_t bytes_ = 0;
  std::deque<Segment> segments_;
  std::optional<Segment> next_;  // prepared by segment_for
  std::deque<TailBatch> tail_;
};

}  // namespace broker::storage
