// Fetches that wait for data: hung into the lists of their partitions, woken when a partition's durable end moves or
// their time is over. Core thread only.
//
// A thousand idle consumers come back twice a second, so hanging in and out costs one node a waiter and none a
// partition, and a Fetch may be answered a little before its time (max_wait is a most) when another one's is over: they
// go out together, come back together, and the loop wakes up for all of them once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/core/group.h"
#include "broker/storage/store.h"

namespace broker::core {

using WaiterId = common::Strong<struct WaiterIdTag, std::uint64_t>;

class FetchWaiters {
 public:
  // Called when a partition moved (time_over = false) and once at the deadline (true). True: answered, the waiter is
  // gone. Must answer when the time is over. May add and cancel waiters.
  using Try = std::function<bool(bool time_over)>;

  static constexpr int kSlackShare = 64;                    // of its time, by which a Fetch may be answered early …
  static constexpr std::chrono::milliseconds kSlackMax{8};  // … but not by more

  static constexpr std::size_t kBytesPerPartition = 160;  // about what a waiter takes for each

  WaiterId add(const std::vector<storage::PartitionRef>& partitions, Time now, Time wait, Try attempt);
  // Nothing happens when it is gone.
  void cancel(WaiterId id);

  void advanced(const std::vector<storage::PartitionRef>& partitions);
  void advance(Time now);
  // Everybody is answered now: the process ends.
  void end_all();
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return waiters_.size(); }

 private:
  struct Waiter;
  // A place in the ring of those who wait for a partition; the ring's own has no waiter.
  struct Link {
    Link* before = this;
    Link* after = this;
    Waiter* waiter = nullptr;
  };
  struct Hook {
    Link link;
    const storage::PartitionRef* partition = nullptr;  // the ring's key
  };
  struct PartitionHash {
    std::size_t operator()(const storage::PartitionRef& partition) const noexcept;
  };
  using ByDeadline = std::multimap<Time, Waiter*>;
  struct Waiter {
    WaiterId id;
    Time early{};  // from here on it may be answered
    Try attempt;   // empty: under way
    std::unique_ptr<Hook[]> hooks;
    std::size_t hook_count = 0;
    ByDeadline::iterator deadline;
  };
  void hang_in(Waiter& waiter, const std::vector<storage::PartitionRef>& partitions);
  void attempt(WaiterId id, bool time_over);

  std::uint64_t next_id_ = 1;
  std::unordered_map<WaiterId, Waiter> waiters_;
  std::unordered_map<storage::PartitionRef, Link, PartitionHash> rings_;  // of partitions somebody waits for
  ByDeadline by_deadline_;
};

}  // namespace broker::core
