// Who owns the table, as pure decisions: how long an owner may trust its lease, when a standby may take it.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "relay/core/outbox_store.h"

namespace relay::core {

// The owner's side. Counts from the START of the last successful renewal: at half a ttl it stops feeding, at two thirds
// it cuts. Thread-safe with a lock of its own, so that the watchdog waits for nobody.
class LeaseGuard {
 public:
  explicit LeaseGuard(std::chrono::nanoseconds ttl) : ttl_(ttl) {}

  void acquired(Epoch epoch, std::chrono::nanoseconds started);
  void renewed(std::chrono::nanoseconds started);
  // Lost, given up or freed.
  void lost();

  [[nodiscard]] std::optional<Epoch> epoch() const;
  [[nodiscard]] bool may_feed(std::chrono::nanoseconds now) const;
  [[nodiscard]] bool must_cut(std::chrono::nanoseconds now) const;

 private:
  const std::chrono::nanoseconds ttl_;
  mutable std::mutex mutex_;
  std::optional<Epoch> epoch_;              // guarded by mutex_
  std::chrono::nanoseconds renewed_at_{0};  // guarded by mutex_
};

// The other side: a lease may be taken when it is free, when it is our own, or when nobody renewed it for a whole ttl
// since the first look that showed it so. One thread.
class LeaseWatch {
 public:
  LeaseWatch(std::string owner, std::chrono::nanoseconds ttl) : owner_(std::move(owner)), ttl_(ttl) {}
  // `received`: when the look's answer was there. True: take it, guarded by `view`.
  bool may_take(const LeaseView& view, std::chrono::nanoseconds received);
  void forget() { seen_.reset(); }

 private:
  std::string owner_;
  std::chrono::nanoseconds ttl_;
  std::optional<LeaseView> seen_;
  std::chrono::nanoseconds seen_at_{0};
};

}  // namespace relay::core
