// Room for records: what retention frees, how full the disk is, when Produce must be refused for it, and who is told.
// Core thread only; nothing here waits for a disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/core/disk_watch.h"
#include "broker/core/retention.h"
#include "broker/core/retention_clock.h"
#include "common/clock.h"

namespace broker::core {

struct RoomSettings {
  RetentionSettings retention;
  DiskLimits disk;
  LookAtDisk look_at_disk = {};  // none: the disk's size is not known
  std::string data_dir = {};     // for what people are told
  std::string address = {};      // the same: where clients connect
};

class Room {
 public:
  struct Acts {
    std::function<storage::Ticket(storage::Record)> journal;  // applies and submits
    Retention::MoveStart move_start;
  };
  // `state` has been fed by `store`. Goes over all partitions once.
  Room(State& state, storage::Store& store, const common::Clock& clock, RoomSettings settings, Acts acts);

  // What appended batches are stamped with; see retention_clock.h.
  [[nodiscard]] std::int64_t stamp_ms() { return clock_.now_ms(system_.steady()); }

  // None: there is room. Otherwise why not, for log and clients. Says so once when it begins and once when it is over.
  std::optional<std::string> refuse(const storage::PartitionRef& where, std::uint64_t bytes);
  void appended(std::uint64_t bytes) {
    appended_bytes_ += bytes;
    disk_.appended(bytes);
  }
  // Produce requests are refused for want of room.
  [[nodiscard]] bool full() const { return full_since_.has_value(); }
  [[nodiscard]] const std::string& full_because() const { return full_because_; }

  // A consumer asked for what was deleted.
  void note_offset_gone(const storage::PartitionRef& partition, storage::Offset asked, storage::Offset start,
                        const std::string& client);

  [[nodiscard]] Time next_deadline() const { return retention_.next_deadline(); }
  void tick(Time now);

  [[nodiscard]] const Retention& retention() const { return retention_; }
  [[nodiscard]] const DiskWatch& disk() const { return disk_; }
  [[nodiscard]] std::uint64_t offsets_gone() const { return offsets_gone_; }

 private:
  void mark_clock(std::int64_t now_ms);
  void warn_of_full_disk(Time now);
  void begin_refusing(Shortage shortage);
  void end_refusing();

  State& state_;
  storage::Store& store_;
  const common::Clock& system_;
  RoomSettings settings_;
  std::function<storage::Ticket(storage::Record)> journal_;
  RetentionClock clock_;
  Retention retention_;
  DiskWatch disk_;
  std::uint64_t appended_bytes_ = 0;
  std::uint64_t appended_before_pass_ = 0;
  std::uint64_t offsets_gone_ = 0;
  std::optional<Time> full_since_;
  std::string full_because_;
  bool said_full_ = false;
  EveryNowAndThen say_full_{std::chrono::seconds(10)};
  EveryNowAndThen warn_{std::chrono::minutes(10)};
  bool names_owed_ = false;  // refusing began before a pass had seen who holds the room
  EveryNowAndThen say_gone_{std::chrono::seconds(10)};
};

}  // namespace broker::core
