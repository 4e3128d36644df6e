// Memory that clients make the broker hold on its way: request frames, from their first piece until the store has
// written what lies in them; requests that wait; answers until they are sent. One account for a connection, one behind
// it for all; who holds something holds a share, and what holds none (acks=0, a waiting Fetch, a batch in the journal)
// does not exist. Thread-safe: the journal's thread may be the last to let a frame go.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace broker::handlers {

class MemoryAccount {
 public:
  explicit MemoryAccount(std::size_t limit_bytes, std::shared_ptr<MemoryAccount> whole = nullptr)
      : limit_(static_cast<std::int64_t>(limit_bytes)), whole_(std::move(whole)) {}

  // Negative: less.
  void add(std::int64_t bytes) {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (whole_) whole_->add(bytes);
  }
  [[nodiscard]] std::int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Nothing new is begun on it; what is under way may still add.
  [[nodiscard]] bool full() const { return bytes() >= limit_; }
  // True: not even that.
  [[nodiscard]] bool exhausted() const { return bytes() >= 2 * limit_; }

 private:
  std::atomic<std::int64_t> bytes_{0};
  const std::int64_t limit_;
  const std::shared_ptr<MemoryAccount> whole_;
};

// Bytes on an account for as long as this lives. Without an account (tests) it counts nothing.
class MemoryShare {
 public:
  MemoryShare() = default;
  explicit MemoryShare(std::shared_ptr<MemoryAccount> account, std::size_t bytes = 0) : account_(std::move(account)) {
    grow(bytes);
  }
  ~MemoryShare() {
    if (account_) account_->add(-bytes_);
  }
  MemoryShare(MemoryShare&& other) noexcept
      : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryShare& operator=(MemoryShare&& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  void grow(std::size_t bytes) {
    bytes_ += static_cast<std::int64_t>(bytes);
    if (account_) account_->add(static_cast<std::int64_t>(bytes));
  }
  [[nodiscard]] bool account_full() const { return account_ && account_->full(); }

 private:
  std::shared_ptr<MemoryAccount> account_;
  std::int64_t bytes_ = 0;
};

}  // namespace broker::handlers
