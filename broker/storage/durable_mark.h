// How far the journal is flushed, told from the journal thread to the core; and whether the store is poisoned.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace broker::storage {

// Thread-safe. Throws IoError from the constructor when the system gives no eventfd.
class DurableMark {
 public:
  explicit DurableMark(std::uint64_t sequence);
  ~DurableMark();
  DurableMark(const DurableMark&) = delete;
  DurableMark& operator=(const DurableMark&) = delete;

  // Frames up to this one are flushed.
  void release(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t durable() const { return durable_.load(std::memory_order_acquire); }
  // The segments' files have the bytes of all frames up to this one (in the page cache).
  void set_written(std::uint64_t sequence) { written_.store(sequence, std::memory_order_release); }
  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_acquire); }

  // The first reason stays. Nothing is released afterwards.
  void poison(const std::string& reason);
  [[nodiscard]] bool is_poisoned() const { return is_poisoned_.load(std::memory_order_acquire); }
  [[nodiscard]] std::optional<std::string> poisoned() const;

  // Readable after release, poison and signal, until it is read.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  void signal();

 private:
  const int descriptor_;
  std::atomic<std::uint64_t> durable_;
  std::atomic<std::uint64_t> written_;
  std::atomic<bool> is_poisoned_{false};
  mutable std::mutex mutex_;
  std::string reason_;  // guarded by mutex_
};

}  // namespace broker::storage
