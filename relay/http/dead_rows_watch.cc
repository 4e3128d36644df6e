// See dead_rows_watch.h.
#include "relay/http/dead_rows_watch.h"

#include <utility>

#include "common/error.h"

namespace relay::http {

DeadRowsWatch::DeadRowsWatch(std::string source, std::unique_ptr<core::OutboxObserver> observer,
                             const common::Clock& clock, int rows_max, std::chrono::milliseconds pause)
    : observer_(std::move(observer)), clock_(clock), rows_max_(rows_max), pause_(pause) {
  rows_.source = std::move(source);
  thread_ = std::thread([this] { run(); });
}

DeadRowsWatch::~DeadRowsWatch() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

DeadRows DeadRowsWatch::latest() {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.steady();
  if (tried_at_.count() == 0 || now - tried_at_ >= pause_) {
    wanted_ = true;
    changed_.notify_all();
  }
  DeadRows copy = rows_;
  if (read_at_.count() != 0) copy.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - read_at_);
  return copy;
}

void DeadRowsWatch::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || wanted_; });
    if (stopping_) return;
    lock.unlock();
    std::string error;
    std::vector<core::DeadRow> rows;
    try {
      rows = observer_->newest_dead(rows_max_);
    } catch (const common::Error& failure) {
      error = failure.what();
    }
    lock.lock();
    wanted_ = false;
    tried_at_ = clock_.steady();
    rows_.error = std::move(error);
    if (!rows_.error.empty()) continue;  // what was read before stays, and says how old it is
    rows_.rows = std::move(rows);
    read_at_ = tried_at_;
  }
}

}  // namespace relay::http
