// Retention's clockwork, the disk's limits, and the log lines about both.
#include "broker/core/room.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log.h"

namespace broker::core {

namespace {

// A quiet broker leaves a mark of its clock so often; what passes after the last one counts for nothing after a
// restart.
constexpr std::int64_t kMarkClockEveryMs = std::chrono::milliseconds(std::chrono::hours(1)).count();
constexpr std::size_t kNamed = 3;  // topics in a log line

std::uint64_t count_bytes(const State& state, const storage::Store& store) {
  std::uint64_t sum = 0;
  for (const auto& [name, topic] : state.topics()) {
    for (std::int32_t i = 0; i < topic->partitions; ++i) {
      const auto bounds = store.bounds({topic->id, storage::PartitionIndex(i)});
      if (bounds) sum += bounds->bytes;
    }
  }
  return sum;
}

std::optional<std::int64_t> newest_stamp(const State& state, const storage::Store& store) {
  std::optional<std::int64_t> newest;
  for (const auto& [name, topic] : state.topics()) {
    for (std::int32_t i = 0; i < topic->partitions; ++i) {
      for (const auto& segment : store.segments({topic->id, storage::PartitionIndex(i)})) {
        newest = std::max(newest.value_or(segment.last_append_ms), segment.last_append_ms);
      }
    }
  }
  return newest;
}

RetentionClock start_clock(const State& state, const storage::Store& store, const common::Clock& system) {
  const auto wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(system.wall()).count();
  const auto stamp = state.clock_ms() ? std::nullopt : newest_stamp(state, store);
  return {retention_clock_start(state.clock_ms(), stamp, wall_ms), system.steady()};
}

}  // namespace

Room::Room(State& state, storage::Store& store, const common::Clock& clock, RoomSettings settings, Acts acts)
    : state_(state),
      store_(store),
      system_(clock),
      settings_(std::move(settings)),
      journal_(std::move(acts.journal)),
      clock_(start_clock(state, store, clock)),
      retention_(state, store, settings_.retention, std::move(acts.move_start), clock.steady()),
      disk_(settings_.disk, settings_.look_at_disk, count_bytes(state, store)) {}

void Room::tick(Time now) {
  const auto now_ms = clock_.now_ms(now);
  mark_clock(now_ms);
  disk_.tick(now);
  if (!retention_.in_pass()) appended_before_pass_ = appended_bytes_;
  const auto freed = retention_.freed_bytes();
  const auto passes = retention_.report()->passes;
  retention_.tick(now, now_ms);
  disk_.freed(retention_.freed_bytes() - freed);
  if (retention_.report()->passes == passes) return;
  // A pass added everything up, so what others deleted is known, too. What came meanwhile may be counted twice until
  // the next pass, but never not at all.
  disk_.counted(retention_.report()->bytes + appended_bytes_ - appended_before_pass_);
  warn_of_full_disk(now);
}

void Room::mark_clock(std::int64_t now_ms) {
  if (const auto marked = state_.clock_ms(); marked && now_ms - *marked < kMarkClockEveryMs) return;
  journal_(storage::ClockMark{.reading_ms = now_ms});
}

void Room::warn_of_full_disk(Time now) {
  const bool owed = std::exchange(names_owed_, false);
  if (!owed && (!disk_.worth_a_warning() || !warn_.now_is_the_time(now))) return;
  const auto& report = *retention_.report();
  const auto next = freeing_command(report, settings_.address);
  common::log::warn("disk is filling up",
                    {{"used_percent", disk_.used_percent()},
                     {"records", rough_size(disk_.data_bytes())},
                     {"free", rough_size(disk_.space().free_bytes)},
                     {"held_by_groups", name_holders(report, kNamed)},
                     {"read_by_nobody", name_groupless(report, kNamed)},
                     {"next", next.empty() ? "lower retention.ms of large topics, or enlarge the disk" : next}});
}

std::optional<std::string> Room::refuse(const storage::PartitionRef& where, std::uint64_t bytes) {
  const auto shortage = disk_.shortage(bytes);
  if (shortage == Shortage::none && store_.make_room(where, bytes) == storage::RoomRefusal::none) {
    if (full_since_) end_refusing();
    return std::nullopt;
  }
  if (!full_since_) begin_refusing(shortage);
  full_because_ = disk_.sentence(shortage);
  return full_because_ + ": producers try again by themselves";
}

void Room::begin_refusing(Shortage shortage) {
  const auto now = system_.steady();
  full_since_ = now;
  said_full_ = say_full_.now_is_the_time(now);
  if (!said_full_) return;
  const auto& report = *retention_.report();
  const auto next = freeing_command(report, settings_.address);
  names_owed_ = next.empty();
  common::log::error("no room: produce requests are refused, nothing is lost",
                     {{"reason", disk_.sentence(shortage)},
                      {"data_dir", settings_.data_dir},
                      {"held_by_groups", name_holders(report, kNamed)},
                      {"read_by_nobody", name_groupless(report, kNamed)},
                      {"next", "make room, producers try again by themselves" + (next.empty() ? "" : "; " + next)}});
}

void Room::end_refusing() {
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(system_.steady() - *full_since_);
  full_since_.reset();
  full_because_.clear();
  if (said_full_) common::log::info("there is room on the disk again", {{"after_s", lasted.count()}});
}

void Room::note_offset_gone(const storage::PartitionRef& partition, storage::Offset asked, storage::Offset start,
                            const std::string& client) {
  ++offsets_gone_;
  if (!say_gone_.now_is_the_time(system_.steady())) return;
  const auto* topic = state_.find_topic(partition.topic);
  common::log::warn("a consumer asked for records that are deleted, it gets OFFSET_OUT_OF_RANGE",
                    {{"topic", topic == nullptr ? std::string() : topic->name},
                     {"partition", partition.partition.value()},
                     {"asked", asked.value()},
                     {"log_begins_at", start.value()},
                     {"client", client},
                     {"next", "its auto.offset.reset decides where it goes on; it does not read what lies between"}});
}

}  // namespace broker::core
