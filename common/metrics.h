// Counters, gauges and histograms with labels, printed in Prometheus text format. Names: reference of CONTRACTS'
// metrics. Get a handle once (it takes the registry's lock), keep it, update it without a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace common {

using Labels = std::vector<std::pair<std::string, std::string>>;

// All handles: thread-safe, lock-free, live as long as their registry.
class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void observe(double value, std::uint64_t times = 1);
  [[nodiscard]] const std::vector<double>& upper_bounds() const { return upper_bounds_; }
  [[nodiscard]] std::uint64_t count_in_bucket(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  [[nodiscard]] double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> upper_bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;  // one more than the bounds
  std::atomic<double> sum_{0};
};

// Thread-safe. The same name and labels give the same handle. A family's label sets are capped (1,000);
// past the cap the value of its last label becomes "_other", so a flood of topics cannot eat memory.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  // Empty bounds: 1 ms … 60 s, roughly doubling, for durations in seconds.
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {},
                       std::vector<double> upper_bounds = {});

  // Prometheus text exposition format 0.0.4.
  [[nodiscard]] std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace common
