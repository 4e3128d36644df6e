// SourceRelay's threads against a table and a sink in memory: it drains, survives outages of both, hands over its lease
// on stop, and what it cost per row is printed.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "relay/core/source_relay.h"

namespace relay::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// A table of rows that all wait, in a vector; ids from 1.
class MemoryTable final : public OutboxReader, public OutboxMarker, public LeaseStore {
 public:
  explicit MemoryTable(int keys) : keys_(keys) {}

  void insert(int rows) {
    const std::scoped_lock lock(mutex_);
    status_.resize(status_.size() + static_cast<std::size_t>(rows), 0);
  }
  void away(bool away) {
    const std::scoped_lock lock(mutex_);
    away_ = away;
  }
  // The lease can be looked at, but not be taken.
  std::atomic<bool> refuses_takes = false;
  std::atomic<int> refused_takes = 0;
  int marked() const {
    const std::scoped_lock lock(mutex_);
    return marked_;
  }
  std::string lease_owner() const {
    const std::scoped_lock lock(mutex_);
    return lease_.owner;
  }

  PollResult poll(const PollRequest& request) override {
    const std::scoped_lock lock(mutex_);
    reach();
    PollResult result;
    result.last_seen = request.after;
    for (auto id = static_cast<std::size_t>(request.after.value()); id < status_.size(); ++id) {
      if (status_[id] != 0) continue;
      if (static_cast<int>(result.rows.size()) >= request.rows_max) {
        result.more = true;
        break;
      }
      result.rows.push_back(row(id));
      result.last_seen = RowId{static_cast<std::int64_t>(id) + 1};
    }
    result.highest_id = RowId{static_cast<std::int64_t>(status_.size())};
    return result;
  }
  std::vector<Headline> sweep(RowId after, RowId up_to, int rows_max) override {
    const std::scoped_lock lock(mutex_);
    reach();
    std::vector<Headline> page;
    for (auto id = static_cast<std::size_t>(std::max<std::int64_t>(0, after.value()));
         id < static_cast<std::size_t>(up_to.value()) && static_cast<int>(page.size()) < rows_max; ++id) {
      if (status_[id] != 0) continue;
      const Row whole = row(id);
      page.push_back(Headline{.id = whole.id, .topic = whole.topic, .key = whole.key});
    }
    return page;
  }
  std::vector<Headline> due(milliseconds, int) override {
    const std::scoped_lock lock(mutex_);
    reach();
    return {};
  }
  std::vector<Row> load(std::span<const RowId> ids, std::int64_t) override {
    const std::scoped_lock lock(mutex_);
    reach();
    std::vector<Row> rows;
    for (const RowId id : ids) {
      const auto place = static_cast<std::size_t>(id.value() - 1);
      if (status_[place] == 0) rows.push_back(row(place));
    }
    return rows;
  }
  Lsn flushed(bool) override { return Lsn{0}; }

  MarkResult mark(Epoch, const MarkBatch& batch) override {
    const std::scoped_lock lock(mutex_);
    reach();
    for (const Delivered& fact : batch.delivered) {
      char& status = status_[static_cast<std::size_t>(fact.id.value() - 1)];
      if (status == 0) ++marked_;
      status = 1;
    }
    return {};
  }

  [[nodiscard]] std::string owner() const override { return "me"; }
  LeaseView look() override {
    const std::scoped_lock lock(mutex_);
    reach();
    return lease_;
  }
  std::optional<Epoch> take(const LeaseView& seen) override {
    const std::scoped_lock lock(mutex_);
    reach();
    if (refuses_takes) {
      ++refused_takes;
      throw DatabaseError("read only", true);
    }
    if (!(seen == lease_)) return std::nullopt;
    lease_.owner = "me";
    lease_.epoch = Epoch{lease_.epoch.value() + 1};
    return lease_.epoch;
  }
  bool renew(Epoch epoch) override {
    const std::scoped_lock lock(mutex_);
    reach();
    ++lease_.beat;
    return lease_.owner == "me" && lease_.epoch == epoch;
  }
  void release(Epoch) override {
    const std::scoped_lock lock(mutex_);
    lease_.owner.clear();
  }

 private:
  void reach() const {
    if (away_) throw DatabaseError("away", true);
  }
  Row row(std::size_t place) const {
    Row row;
    row.id = RowId{static_cast<std::int64_t>(place) + 1};
    row.topic = "orders";
    row.key = "key-" + std::to_string(place % static_cast<std::size_t>(keys_));
    row.body = std::string(200, 'x');
    return row;
  }

  int keys_;
  mutable std::mutex mutex_;
  std::vector<char> status_;
  int marked_ = 0;
  bool away_ = false;
  LeaseView lease_;
};

// Acknowledges on a thread of its own, in batches, as long as it is up.
class MemorySink final : public Publisher {
 public:
  MemorySink() : thread_([this] { run(); }) {}
  ~MemorySink() override {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  void on_outcomes(OutcomeHandler handler) override { handler_ = std::move(handler); }
  Enqueued enqueue(const Row& row, Lane) override {
    const std::scoped_lock lock(mutex_);
    if (dead_) return Enqueued::down;
    queue_.push_back(row.id);
    if (queue_.size() == 1) wake_.notify_one();
    return Enqueued::accepted;
  }
  std::optional<PublishOutcome> refuse(const Row&) override { return std::nullopt; }
  void cut() override {
    std::vector<PublishOutcome> outcomes;
    {
      const std::scoped_lock lock(mutex_);
      dead_ = true;
      for (const RowId id : queue_) outcomes.push_back(PublishOutcome{.id = id, .scope = Scope::cut});
      queue_.clear();
    }
    if (!outcomes.empty()) handler_(std::move(outcomes));
  }
  void rebuild(Epoch) override {
    const std::scoped_lock lock(mutex_);
    dead_ = false;
  }
  [[nodiscard]] SinkState state() const override { return {.up = true, .fatal = false, .reason = {}}; }
  void up(bool up) {
    {
      const std::scoped_lock lock(mutex_);
      up_ = up;
    }
    wake_.notify_one();
  }
  std::vector<std::int64_t> log() const {
    const std::scoped_lock lock(mutex_);
    return log_;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      if (queue_.empty() || !up_) {
        wake_.wait_for(lock, milliseconds{100});
        continue;
      }
      std::vector<PublishOutcome> outcomes;
      for (const RowId id : queue_) {
        outcomes.push_back(PublishOutcome{.id = id, .partition = 0, .offset = static_cast<std::int64_t>(log_.size())});
        log_.push_back(id.value());
      }
      queue_.clear();
      lock.unlock();
      handler_(std::move(outcomes));
      lock.lock();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  OutcomeHandler handler_;
  std::deque<RowId> queue_;
  std::vector<std::int64_t> log_;
  bool dead_ = true;
  bool up_ = true;
  bool ending_ = false;
  std::thread thread_;
};

class NoCheckBack final : public CheckBack {
 public:
  void on_answer(AnswerHandler) override {}
  bool ask(const Row&) override { return false; }
};

// Those that are raised and not resolved.
class OpenAlerts final : public AlertSink {
 public:
  void raise(const AlertKey& key, const std::string&, std::int64_t) override {
    const std::scoped_lock lock(mutex_);
    open_.insert(key.error_class);
  }
  void resolve(const AlertKey& key) override {
    const std::scoped_lock lock(mutex_);
    open_.erase(key.error_class);
    ++resolved;
  }
  std::atomic<int> resolved = 0;
  [[nodiscard]] bool has(const std::string& error_class) const {
    const std::scoped_lock lock(mutex_);
    return open_.contains(error_class);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> open_;  // guarded by mutex_
};

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + seconds{60};
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds{2});
  }
  return false;
}

struct House {
  explicit House(int keys) : table(keys) {}
  SourceOptions options() const {
    SourceOptions options;
    options.name = "shop";
    options.lease_ttl = milliseconds{3'000};
    options.silence_timeout = milliseconds{1'000};
    options.sweep_interval = milliseconds{500};
    options.retry_pause = milliseconds{50};
    return options;
  }
  SourceParts parts() { return {table, table, table, sink, checks, clock, alerts, metrics}; }

  common::SystemClock clock;
  common::Metrics metrics;
  OpenAlerts alerts;
  NoCheckBack checks;
  MemoryTable table;
  MemorySink sink;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto in_seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

TEST(SourceRelay, DrainsABacklogInOrderAndFreesItsLease) {
  const char* asked = std::getenv("DRAIN_ROWS");
  const int rows = asked == nullptr ? 30'000 : std::atoi(asked);
  House house(1'000);
  house.table.insert(rows);
  SourceRelay relay(house.parts(), house.options());
  const double before = cpu_seconds();
  const auto begun = std::chrono::steady_clock::now();
  relay.start();
  ASSERT_TRUE(eventually([&] { return house.table.marked() == rows; }));
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::cout << rows << " rows: " << static_cast<int>(rows / took) << " rows/s, "
            << (cpu_seconds() - before) / rows * 1e6 << " us CPU per row, the fakes' share included\n";
  EXPECT_TRUE(relay.stop());
  EXPECT_EQ(house.table.lease_owner(), "");
  const auto log = house.sink.log();
  EXPECT_EQ(log.size(), static_cast<std::size_t>(rows));
  EXPECT_TRUE(std::is_sorted(log.begin(), log.end()));
  EXPECT_EQ(relay.status().delivered_total, static_cast<std::uint64_t>(rows));
}

TEST(SourceRelay, GoesOnAfterTheSinkWasSilentForLongerThanItsTimeOut) {
  House house(10);
  house.table.insert(2'000);
  house.sink.up(false);
  SourceRelay relay(house.parts(), house.options());
  relay.start();
  // Cut at least once: the breaker then sends one row as its probe.
  ASSERT_TRUE(eventually(
      [&] { return house.metrics.render().find("outbox_doubts_total{source=\"shop\"} 1") != std::string::npos; }));
  house.sink.up(true);
  ASSERT_TRUE(eventually([&] { return house.table.marked() == 2'000; }));
  EXPECT_TRUE(relay.stop());
}

TEST(SourceRelay, KeepsWhatWasAcknowledgedWhileTheDatabaseIsAwayBeyondTheLease) {
  House house(10);
  SourceRelay relay(house.parts(), house.options());
  relay.start();
  ASSERT_TRUE(eventually([&] { return relay.status().owner; }));
  house.table.insert(5'000);
  ASSERT_TRUE(eventually([&] { return house.sink.log().size() > 100; }));
  house.table.away(true);
  ASSERT_TRUE(eventually([&] { return !relay.status().owner; }));
  house.table.away(false);
  ASSERT_TRUE(eventually([&] { return house.table.marked() == 5'000; }));
  EXPECT_GE(relay.status().epoch, 1);
  EXPECT_TRUE(relay.stop());
}

TEST(SourceRelay, SaysThatItsDatabaseIsAwayBeforeItHasOwnedAnything) {
  House house(10);
  house.table.away(true);
  SourceRelay relay(house.parts(), house.options());
  relay.start();
  ASSERT_TRUE(eventually([&] { return house.alerts.has("database_unreachable"); }));
  EXPECT_FALSE(relay.status().database_up);
  EXPECT_FALSE(relay.status().database_error.empty());
  house.table.away(false);
  ASSERT_TRUE(eventually([&] { return relay.status().database_up; }));
  EXPECT_TRUE(relay.status().database_error.empty());
  EXPECT_FALSE(house.alerts.has("database_unreachable"));
  EXPECT_TRUE(relay.stop());
}

TEST(SourceRelay, ALeaseThatCanBeSeenButNotTakenIsNoDatabaseThatIsBack) {
  House house(10);
  house.table.refuses_takes = true;
  SourceRelay relay(house.parts(), house.options());
  relay.start();
  ASSERT_TRUE(eventually([&] { return house.table.refused_takes >= 4; }));
  EXPECT_TRUE(house.alerts.has("database_unreachable"));
  EXPECT_EQ(house.alerts.resolved, 0) << "an alert that comes and goes is never told";
  relay.stop(milliseconds{400});
}

TEST(SourceRelay, StopsWithinItsDeadlineAlthoughNothingAnswers) {
  House house(10);
  house.table.insert(100);
  house.sink.up(false);
  SourceRelay relay(house.parts(), house.options());
  relay.start();
  ASSERT_TRUE(eventually([&] { return relay.status().counts.in_flight > 0; }));
  house.table.away(true);
  const auto begun = std::chrono::steady_clock::now();
  relay.stop(milliseconds{400});
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds{10});
}

}  // namespace
}  // namespace relay::core
