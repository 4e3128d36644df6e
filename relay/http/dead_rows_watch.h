// Keeps a source's newest dead rows at hand for the page: many refreshes cost one query a second, no refresh costs
// none, and a database that hangs makes nobody wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/clock.h"
#include "relay/core/outbox_store.h"
#include "relay/http/status_json.h"

namespace relay::http {

class DeadRowsWatch {
 public:
  // Asks `observer` on a thread of its own, for at most `rows_max` rows, at most once in `pause`.
  DeadRowsWatch(std::string source, std::unique_ptr<core::OutboxObserver> observer, const common::Clock& clock,
                int rows_max, std::chrono::milliseconds pause);
  ~DeadRowsWatch();  // waits for the query under way
  DeadRowsWatch(const DeadRowsWatch&) = delete;
  DeadRowsWatch& operator=(const DeadRowsWatch&) = delete;

  // What was read last, at once; has it read again when that is older than `pause`. Thread-safe.
  [[nodiscard]] DeadRows latest();

 private:
  void run();

  const std::unique_ptr<core::OutboxObserver> observer_;  // the thread's own
  const common::Clock& clock_;
  const int rows_max_;
  const std::chrono::milliseconds pause_;
  std::mutex mutex_;
  std::condition_variable changed_;
  DeadRows rows_;                        // guarded by mutex_, as what follows
  std::chrono::nanoseconds read_at_{0};  // the last time that it could be read; 0: never
  std::chrono::nanoseconds tried_at_{0};
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace relay::http
