// Writers of the crash tests: business transactions that each take a key's next number and insert its outbox row.
// A fifth of them roll back on purpose. They go on through outages of the database.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/fault/checker.h"

namespace fault {

struct WorkloadOptions {
  std::string dsn;
  std::string topic = "crash";
  int keys = 50;
  int writers = 3;
  std::uint64_t seed = 1;
  std::int64_t pause_us = 0;  // of each writer between transactions
};

class Workload {
 public:
  // Makes the counter table. Throws when the database is not there.
  explicit Workload(WorkloadOptions options);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  void start();
  // Returns when every writer has ended its transaction.
  void stop();
  // COMMITs that returned so far.
  [[nodiscard]] std::int64_t committed() const { return committed_.load(); }
  // What writers were told, and every row as the database has it now.
  void read_into(History& history) const;
  // Rows that still wait.
  [[nodiscard]] std::int64_t waiting() const;

 private:
  void write(std::uint64_t seed);

  WorkloadOptions options_;
  std::atomic<bool> running_{false};
  std::atomic<std::int64_t> committed_{0};
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::int64_t>> acknowledged_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace fault
