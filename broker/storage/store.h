// The store: what broker/core sees of the disk. One journal with group commit, one segmented log per partition.
//
// Threads: everything but the constructor's recovery is called on the core thread, which never waits for the disk here;
// the journal thread writes and flushes; a background thread checkpoints. The durable mark comes back through
// durable_fd(). Failures that leave the outcome unknown poison the store: nothing more becomes durable, poisoned() says
// why, and the process ends with exit 74.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/storage/record.h"
#include "broker/storage/store_options.h"
#include "common/byte_buffer.h"
#include "common/clock.h"

namespace broker::storage {

class FileSystem;

// The number of a frame in the journal: what depends on it may be answered once durable() has reached it.
using Ticket = common::Strong<struct TicketTag, std::uint64_t>;

// The state that the journal feeds; implemented by broker/core. `apply` is the same function live and in replay.
class StateMachine {
 public:
  virtual ~StateMachine() = default;
  // In replay an Append's bytes are whole too. Must not fail on a record that was once submitted.
  virtual void apply(const Record& record) = 0;
  // Records that rebuild the present state (no Append: partitions' bounds are the store's own).
  [[nodiscard]] virtual std::vector<Record> snapshot() const = 0;
};

// What the store knows of a partition.
struct PartitionBounds {
  Offset start;
  Offset end;          // next offset to be given, durable or not
  Offset durable_end;  // the high watermark: nothing at or past it is ever shown
  std::uint64_t bytes = 0;
};

// Bytes of whole batches, the first of which contains the offset asked for.
struct ReadResult {
  common::ByteBuffer bytes;
};

// A batch found by its time, and its greatest timestamp; none: there is no such batch.
using FoundTime = std::optional<std::pair<Offset, std::int64_t>>;

// A buffer shared by the socket's reader, the journal and the segment's writer: nobody copies it.
using SharedBytes = std::shared_ptr<const common::ByteBuffer>;

enum class RoomRefusal { none, disk_full };

// For retention: the last one may still grow. A segment goes when the log's start has reached its end, the last one
// too.
struct SegmentInfo {
  Offset base;
  Offset end;
  std::uint64_t bytes = 0;
  std::int64_t last_append_ms = 0;
  std::int64_t first_append_ms = 0;
};

class Store {
 public:
  // Locks the folder (throws when another process has it), creates it when empty, recovers, feeds `state`. Shows
  // progress in the log when recovery takes long. Throws common::Error (exit 74 for a disk, 78 for another version).
  static std::unique_ptr<Store> open(FileSystem& fs, const common::Clock& clock, const StoreOptions& options,
                                     StateMachine& state);
  virtual ~Store() = default;

  // Adds a record to the next frame. The caller has applied it to its state already. `keep_alive` holds an Append's
  // bytes. Never fails: room was asked for first.
  virtual Ticket submit(Record record, SharedBytes keep_alive = nullptr) = 0;
  // Between the two, what is submitted waits, so that the partitions of one request share one frame and one flush
  // (Burst below). Never across a return to the event loop.
  virtual void begin_burst() {}
  virtual void end_burst() {}
  // Reserves room for the next append to this partition; ask before its offset is given, submit it before asking again.
  // disk_full is no state: the next call looks again.
  virtual RoomRefusal make_room(const PartitionRef& partition, std::uint64_t bytes) = 0;

  // The last frame that is flushed. durable_fd(): an eventfd, readable when it moved (or the store was poisoned).
  [[nodiscard]] virtual Ticket durable() const = 0;
  [[nodiscard]] virtual int durable_fd() const = 0;
  // Partitions whose durable_end moved since the last call; for waking the Fetches that wait on them.
  virtual std::vector<PartitionRef> take_advanced() = 0;
  [[nodiscard]] virtual std::optional<std::string> poisoned() const = 0;

  // None: no such partition (never made, or its topic deleted).
  [[nodiscard]] virtual std::optional<PartitionBounds> bounds(const PartitionRef& partition) const = 0;
  // Whole batches from the one that holds `from`, below the durable end, at most bytes_max but at least one batch.
  // `from` must lie in [start, durable_end]; at the end: empty. Throws on a damaged batch.
  virtual ReadResult read(const PartitionRef& partition, Offset from, std::uint64_t bytes_max) = 0;
  // The same without waiting for the disk. None: it would have to; the bytes are fetched meanwhile, and the partition
  // is among take_advanced() when it is worth asking again for the same offset.
  virtual std::optional<ReadResult> try_read(const PartitionRef& partition, Offset from, std::uint64_t bytes_max) {
    return read(partition, from, bytes_max);
  }
  // First offset whose batch's max timestamp is ≥ the time; none: no such batch below the durable end.
  virtual FoundTime find_time(const PartitionRef& partition, std::int64_t timestamp_ms) = 0;
  // The same without waiting for the disk, as try_read. None: ask again for the same time.
  virtual std::optional<FoundTime> try_find_time(const PartitionRef& partition, std::int64_t timestamp_ms) {
    return find_time(partition, timestamp_ms);
  }

  // The partition's next append begins a new segment, so that the present one can age and go.
  virtual void roll(const PartitionRef& /*partition*/) {}

  // Called on the core thread between requests, and after durable_fd() was readable: starts a checkpoint when one is
  // due (takes state.snapshot()). Appends wait while the journal is too far ahead of the checkpoints.
  virtual void maybe_checkpoint() = 0;
  // Flushes what waits, checkpoints, writes the clean mark. Blocks. The store is unusable afterwards.
  virtual void close() = 0;

  [[nodiscard]] virtual std::string uuid() const = 0;  // stable; the cluster id is "outbox-" + this
  [[nodiscard]] virtual std::int32_t leader_epoch() const = 0;
  // An Append with more bytes must not be submitted; follows from the journal files' size.
  [[nodiscard]] virtual std::uint64_t append_bytes_max() const { return 8ULL << 20; }
  // In order; empty: no such partition, or nothing appended yet.
  [[nodiscard]] virtual std::vector<SegmentInfo> segments(const PartitionRef& /*partition*/) const { return {}; }
};

class Burst {
 public:
  explicit Burst(Store& store) : store_(store) { store_.begin_burst(); }
  ~Burst() { store_.end_burst(); }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

 private:
  Store& store_;
};

}  // namespace broker::storage
