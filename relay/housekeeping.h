// What a source needs done now and then, by its owner alone: knowing whether the database is still the one it was, and
// deleting delivered rows that were kept long enough. A thread and connections of its own, so that nothing waits for
// it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "relay/core/alert_sink.h"
#include "relay/pg/store.h"

namespace relay {

struct HousekeepingOptions {
  std::string source;
  pg::StoreOptions store;
  std::chrono::milliseconds keep_delivered{};
};

class Housekeeping {
 public:
  // `owns` is asked before each step, on the housekeeping thread. `alerts` must outlive this object.
  Housekeeping(HousekeepingOptions options, std::function<bool()> owns, core::AlertSink& alerts);
  ~Housekeeping();  // waits for the step that runs, at most a connection's time-out
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

 private:
  void run();
  // Returns how long to wait before the next one.
  std::chrono::milliseconds step();
  void look_at_identity();

  const HousekeepingOptions options_;
  const std::function<bool()> owns_;
  core::AlertSink& alerts_;
  std::unique_ptr<pg::Retention> retention_;
  core::RowId after_;
  bool registered_ = false;
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace relay
