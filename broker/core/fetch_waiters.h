// Fetches that wait for data: hung into the lists of their partitions, woken when a partition's durable end moves or
// their time is over. Core thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
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

  WaiterId add(std::vector<storage::PartitionRef> partitions, Time deadline, Try attempt);
  // Nothing happens when it is gone.
  void cancel(WaiterId id);

  void advanced(const std::vector<storage::PartitionRef>& partitions);
  void advance(Time now);
  // Everybody is answered now: the process ends.
  void end_all();
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return waiters_.size(); }

 private:
  struct Waiter {
    std::vector<storage::PartitionRef> partitions;
    Time deadline;
    Try attempt;
  };
  void attempt(WaiterId id, bool time_over);

  std::uint64_t next_id_ = 1;
  std::map<WaiterId, Waiter> waiters_;
  std::set<std::pair<storage::PartitionRef, WaiterId>> by_partition_;
  std::set<std::pair<Time, WaiterId>> by_deadline_;
};

}  // namespace broker::core
