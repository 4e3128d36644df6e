// A world in one thread for relay/core: a table whose transactions commit late, a sink that refuses, loses and goes
// silent, two relays, and people who edit rows. Every statement and call is split into "happens" and "is reported", so
// that anything can come between. The checker sits in the log: what may not be there fails the run at once.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "relay/core/outbox_store.h"
#include "relay/core/publisher.h"

namespace sim {

using namespace relay::core;  // NOLINT: the world is written in core's words
using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

class ManualClock final : public common::Clock {
 public:
  [[nodiscard]] Nanos steady() const override { return now; }
  [[nodiscard]] std::chrono::microseconds wall() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(now) + std::chrono::hours(24 * 365 * 50);
  }
  Nanos now{std::chrono::seconds(1'000)};
};

struct WorldOptions {
  std::uint64_t seed = 1;
  int keys = 6;
  int topics = 2;
  double keyless = 0.1;
  double unclear = 0.15;
  double poison = 0.02;     // rows the sink refuses until it is mended
  double known_bad = 0.01;  // rows that refuse() knows about
  double rollback = 0.15;
  double async_commit = 0.2;
  bool calm = false;  // nothing fails: then nothing may be sent twice
  bool hold = true;   // dead_rows
  bool ordered = true;
};

struct TableRow {
  std::int64_t id = 0;
  std::string topic;
  std::optional<std::string> key;
  int status = 0;
  bool confirmed = true;
  bool fate_commit = true;  // of an unclear row's business
  bool poison = false;
  bool known_bad = false;
  int attempts = 0, checks = 0, unknown_checks = 0, redrives = 0;
  std::optional<Nanos> next_attempt_at, next_check_at, first_check_at;
  Nanos created_at{0};
  std::uint64_t lsn = 0;
  bool ever_dead = false;
  int lone_failures = 0;  // how often it was refused alone, by the sink's own count
  int seen_in_log = 0;
};

struct Transaction {
  std::uint64_t id = 0;
  std::vector<TableRow> rows;
  std::vector<std::string> locks;
  Nanos writes_at{0};  // it took its ids, but shows in snapshots only from here on
};

struct LeaseRow {
  std::string owner;
  std::int64_t epoch = 0;
  std::int64_t beat = 0;
};

class World {
 public:
  explicit World(const WorldOptions& options);

  // The services and the people.
  void begin_transaction();
  void end_transaction(bool allow_rollback);
  void operator_acts();
  void crash_database();  // commits that were not flushed are gone
  void heal();            // no more faults, limits raised, everything confirmed and sent again
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] int waiting() const;
  [[nodiscard]] std::string why_not_done() const;

  // The statements, at this moment.
  PollResult poll(const PollRequest& request);
  std::vector<Headline> sweep(RowId after, RowId up_to, int rows_max);
  std::vector<Headline> due(Millis first_check_after, int rows_max);
  std::vector<Row> load(const std::vector<RowId>& ids, std::int64_t bytes_max);
  Lsn flush(bool nudge);
  MarkResult mark(const std::string& owner, Epoch epoch, const MarkBatch& batch);

  // The sink: what one record comes to when it arrives. Appends to the log, with the checker looking on.
  void append(RowId id, bool stale_process);

  // The row as the sink's people know it. It must be there: nothing unflushed may be handed over.
  TableRow& known(RowId id);

  bool chance(double probability) { return std::uniform_real_distribution<>(0, 1)(random) < probability; }
  std::int64_t pick(std::int64_t below) { return std::uniform_int_distribution<std::int64_t>(0, below - 1)(random); }
  void violation(const std::string& text) { violations.push_back(text); }

  WorldOptions options;
  ManualClock clock;
  std::mt19937_64 random;
  std::map<std::int64_t, TableRow> rows;
  std::vector<Transaction> open;
  LeaseRow lease;
  bool database_up = true;
  bool sink_up = true;
  std::set<std::string> broken_topics;
  bool lock_rows = true;
  bool flush_lags = true;
  bool trace = std::getenv("SIM_TRACE") != nullptr;
  std::vector<std::string> violations;
  std::vector<std::int64_t> log;
  std::int64_t appended_first = 0;
  std::int64_t committed_rows = 0;
  int crashes = 0;

 private:
  [[nodiscard]] Row whole(const TableRow& row) const;
  [[nodiscard]] Headline headline(const TableRow& row) const;
  [[nodiscard]] Nanos due_at(const TableRow& row) const;
  void check_order(const TableRow& row);
  void apply(const Checked& fact, MarkResult& result);

  std::int64_t next_id_ = 1;
  std::uint64_t next_transaction_ = 100;
  std::uint64_t insert_lsn_ = 1'000;
  std::uint64_t flush_lsn_ = 1'000;
  std::set<std::string> key_locks_;
  TableRow lost_row_;
  Millis first_check_{300};
};

}  // namespace sim
