// The table, the people and the checker. See sim_world.h.
#include "tests/unit/core/sim_world.h"

#include <algorithm>
#include <iostream>
#include <utility>

namespace sim {

using std::chrono::duration_cast;
using std::chrono::microseconds;

World::World(const WorldOptions& world_options) : options(world_options), random(world_options.seed) {}

void World::begin_transaction() {
  Transaction transaction{.id = next_transaction_++, .rows = {}, .locks = {}, .writes_at = clock.now};
  if (chance(0.2)) transaction.writes_at += Millis{pick(900)};
  const std::int64_t count = 1 + pick(4);
  for (std::int64_t i = 0; i < count; ++i) {
    TableRow row;
    row.topic = "topic-" + std::to_string(pick(options.topics));
    if (!chance(options.keyless)) {
      row.key = "key-" + std::to_string(pick(options.keys));
      // The business serialises a key's writers: whoever cannot have the lock writes something else.
      const std::string lock = row.topic + "/" + *row.key;
      const bool own = std::find(transaction.locks.begin(), transaction.locks.end(), lock) != transaction.locks.end();
      if (!own && !key_locks_.insert(lock).second) continue;
      if (!own) transaction.locks.push_back(lock);
    }
    row.id = next_id_++;
    row.confirmed = !chance(options.unclear);
    row.fate_commit = row.confirmed || chance(0.6);
    row.poison = chance(options.poison);
    row.known_bad = !row.poison && chance(options.known_bad);
    row.created_at = clock.now;
    transaction.rows.push_back(row);
  }
  open.push_back(std::move(transaction));
}

void World::end_transaction(bool allow_rollback) {
  if (open.empty()) return;
  const auto place = open.begin() + pick(static_cast<std::int64_t>(open.size()));
  if (allow_rollback && place->writes_at > clock.now) return;
  for (const std::string& lock : place->locks) key_locks_.erase(lock);
  if (!allow_rollback || !chance(options.rollback)) {
    insert_lsn_ += 8;
    for (TableRow& row : place->rows) {
      row.lsn = insert_lsn_;
      ++committed_rows;
      if (trace)
        std::cout << "commit " << row.id << " " << row.topic << row.key.value_or("-")
                  << (row.confirmed ? "" : " unclear") << "\n";
      rows.emplace(row.id, row);
    }
    if (!flush_lags || !chance(options.async_commit)) flush_lsn_ = insert_lsn_;
  }
  open.erase(place);
}

void World::crash_database() {
  ++crashes;
  if (trace) std::cout << "CRASH\n";
  for (auto row = rows.begin(); row != rows.end();) {
    const bool lost = row->second.lsn > flush_lsn_;
    if (lost && row->second.seen_in_log > 0) {
      violation("phantom: row " + std::to_string(row->first) + " was published and its commit is lost");
    }
    if (lost) --committed_rows;
    row = lost ? rows.erase(row) : std::next(row);
  }
  insert_lsn_ = flush_lsn_ + 1'000;
  flush_lsn_ = insert_lsn_;
  open.clear();
  key_locks_.clear();
}

void World::operator_acts() {
  if (rows.empty()) return;
  auto found = rows.begin();
  std::advance(found, pick(static_cast<std::int64_t>(rows.size())));
  // Look around for a row there is something to do with.
  for (int look = 0; look < 20 && found != rows.end(); ++look, ++found) {
    TableRow& row = found->second;
    if (!row.confirmed && (row.status == 0 || row.status == 2)) {
      if (row.fate_commit) {
        row.confirmed = true;
        row.status = 0;
        row.next_attempt_at = clock.now;
      } else {
        row.status = 3;
      }
      return;
    }
    if (row.status == 2) {
      if (chance(0.6)) {
        row.status = 0;
        row.attempts = 0;
        ++row.redrives;
        row.next_attempt_at.reset();
        if (chance(0.5)) row.poison = row.known_bad = false;
      } else {
        row.status = 4;
      }
      return;
    }
  }
}

void World::heal() {
  database_up = sink_up = true;
  broken_topics.clear();
  lock_rows = false;
  flush_lags = false;
  while (!open.empty()) end_transaction(false);
  flush_lsn_ = insert_lsn_;
  for (auto& [id, row] : rows) {
    row.poison = row.known_bad = false;
    if (row.status == 2) {
      row.status = 0;
      row.attempts = 0;
      ++row.redrives;
      row.unknown_checks = row.checks = 0;
      row.first_check_at.reset();
    }
    if (!row.confirmed && row.status == 0) {
      if (row.fate_commit) {
        row.confirmed = true;
        row.next_attempt_at = clock.now;
      } else {
        row.status = 3;
      }
    }
  }
}

int World::waiting() const {
  return static_cast<int>(std::count_if(rows.begin(), rows.end(), [](const auto& entry) {
    return entry.second.status == 0 || entry.second.status == 2;
  }));
}

bool World::all_done() const {
  return std::all_of(rows.begin(), rows.end(),
                     [](const auto& entry) { return entry.second.status != 0 && entry.second.status != 2; });
}

std::string World::why_not_done() const {
  std::string text;
  int count = 0;
  for (const auto& [id, row] : rows) {
    if (row.status != 0 && row.status != 2) continue;
    if (++count > 8) continue;
    text += " row " + std::to_string(id) + " " + row.topic + "/" + row.key.value_or("-") + " status " +
            std::to_string(row.status) + " attempts " + std::to_string(row.attempts) + " in log " +
            std::to_string(row.seen_in_log) + " redrives " + std::to_string(row.redrives) + ";";
  }
  return std::to_string(count) + " rows wait:" + text;
}

Nanos World::due_at(const TableRow& row) const {
  if (row.confirmed) return row.next_attempt_at.value_or(Nanos{0});
  return row.next_check_at.value_or(row.created_at + first_check_);
}

Headline World::headline(const TableRow& row) const {
  return Headline{.id = RowId{row.id},
                  .topic = row.topic,
                  .key = row.key,
                  .dead = row.status == 2,
                  .confirmed = row.confirmed,
                  .due_in = duration_cast<microseconds>(due_at(row) - clock.now),
                  .created_at = duration_cast<microseconds>(row.created_at)};
}

Row World::whole(const TableRow& row) const {
  Row result;
  result.id = RowId{row.id};
  result.topic = row.topic;
  result.key = row.key;
  result.body = std::string(20, 'b');
  result.confirmed = row.confirmed;
  if (!row.confirmed) {
    result.msg_log_id = "log-" + std::to_string(row.id);
    result.msg_log_url = "http://127.0.0.1/check";
  }
  result.attempts = row.attempts;
  result.checks = row.checks;
  result.unknown_checks = row.unknown_checks;
  result.redrives = row.redrives;
  result.age = duration_cast<microseconds>(clock.now - row.created_at);
  if (row.first_check_at) result.since_first_check = duration_cast<microseconds>(clock.now - *row.first_check_at);
  result.due_in = duration_cast<microseconds>(due_at(row) - clock.now);
  return result;
}

PollResult World::poll(const PollRequest& request) {
  PollResult result;
  result.last_seen = request.after;
  std::int64_t bytes = 0;
  int count = 0;
  for (const auto& [id, row] : rows) {
    const bool in_gap = std::any_of(request.gaps.begin(), request.gaps.end(), [&](const IdRange& gap) {
      return gap.first.value() <= id && id <= gap.last.value();
    });
    if ((id <= request.after.value() && !in_gap) || (row.status != 0 && row.status != 2)) continue;
    if (count >= request.rows_max || (count > 0 && bytes >= request.bytes_max)) {
      result.more = true;
      break;
    }
    ++count;
    result.last_seen = std::max(result.last_seen, RowId{id});
    if (row.status == 2) {
      result.dead.push_back(headline(row));
    } else {
      result.rows.push_back(whole(row));
      bytes += static_cast<std::int64_t>(result.rows.back().bytes());
    }
  }
  if (options.seed % 2 == 0 && !rows.empty()) result.highest_id = RowId{rows.rbegin()->first};
  result.snapshot.xmax = TransactionId{next_transaction_};
  result.snapshot.xmin = result.snapshot.xmax;
  for (const Transaction& transaction : open) {
    if (transaction.writes_at > clock.now) continue;
    result.snapshot.in_progress.emplace_back(transaction.id);
    result.snapshot.xmin = std::min(result.snapshot.xmin, TransactionId{transaction.id});
  }
  result.insert_lsn = Lsn{insert_lsn_};
  result.flush_lsn = Lsn{flush_lsn_};
  return result;
}

std::vector<Headline> World::sweep(RowId after, RowId up_to, int rows_max) {
  std::vector<Headline> page;
  for (auto row = rows.upper_bound(after.value()); row != rows.end() && row->first <= up_to.value(); ++row) {
    if (row->second.status != 0 && row->second.status != 2) continue;
    if (static_cast<int>(page.size()) >= rows_max) break;
    page.push_back(headline(row->second));
  }
  return page;
}

std::vector<Headline> World::due(Millis, int rows_max) {
  std::vector<const TableRow*> found;
  for (const auto& [id, row] : rows) {
    if (row.status != 0 || due_at(row) > clock.now || (row.confirmed && !row.next_attempt_at)) continue;
    found.push_back(&row);
  }
  std::sort(found.begin(), found.end(), [this](const TableRow* left, const TableRow* right) {
    return std::pair(due_at(*left), left->id) < std::pair(due_at(*right), right->id);
  });
  std::vector<Headline> result;
  for (const TableRow* row : found) {
    if (static_cast<int>(result.size()) < rows_max) result.push_back(headline(*row));
  }
  return result;
}

std::vector<Row> World::load(const std::vector<RowId>& ids, std::int64_t bytes_max) {
  std::vector<Row> result;
  std::int64_t bytes = 0;
  for (const RowId id : ids) {
    const auto row = rows.find(id.value());
    if (row == rows.end() || row->second.status != 0) continue;
    if (!result.empty() && bytes >= bytes_max) break;
    result.push_back(whole(row->second));
    bytes += static_cast<std::int64_t>(result.back().bytes());
  }
  return result;
}

Lsn World::flush(bool nudge) {
  if (nudge || !flush_lags) flush_lsn_ = insert_lsn_;
  return Lsn{flush_lsn_};
}

MarkResult World::mark(const std::string& owner, Epoch epoch, const MarkBatch& batch) {
  MarkResult result;
  flush_lsn_ = insert_lsn_;
  const auto locked = [&](RowId id) {
    if (!lock_rows || !chance(0.03)) return false;
    result.blocked.push_back(id);
    result.blocker = "pid 1";
    return true;
  };
  for (const Delivered& fact : batch.delivered) {
    const auto row = rows.find(fact.id.value());
    if (row == rows.end() || locked(fact.id)) continue;
    if (row->second.seen_in_log == 0)
      violation("lost: row " + std::to_string(row->first) + " is marked, not in the log");
    if (row->second.status == 3 || row->second.status == 4) result.conflicts.push_back(fact.id);
    row->second.status = 1;
  }
  if (batch.failed.empty() && batch.checked.empty()) return result;
  if (lease.owner != owner || lease.epoch != epoch.value()) {
    result.fenced = true;
    return result;
  }
  for (const Failed& fact : batch.failed) {
    if (locked(fact.id)) continue;
    const auto row = rows.find(fact.id.value());
    if (row == rows.end() || row->second.status != 0 || row->second.attempts != fact.attempts_before) {
      result.stale.push_back(fact.id);
      continue;
    }
    TableRow& failed = row->second;
    if (++failed.attempts > failed.lone_failures) {
      violation("row " + std::to_string(failed.id) + " spent an attempt without having failed alone");
    }
    failed.next_attempt_at = clock.now + fact.retry_in;
    if (fact.dead) {
      failed.status = 2;
      failed.ever_dead = true;
    }
  }
  for (const Checked& fact : batch.checked) {
    if (!locked(fact.id)) apply(fact, result);
  }
  return result;
}

void World::apply(const Checked& fact, MarkResult& result) {
  const auto found = rows.find(fact.id.value());
  if (found == rows.end() || found->second.status != 0 || found->second.confirmed ||
      (fact.checks_before >= 0 && found->second.checks != fact.checks_before)) {
    result.stale.push_back(fact.id);
    return;
  }
  TableRow& row = found->second;
  if (fact.asked) {
    ++row.checks;
    if (!row.first_check_at) row.first_check_at = clock.now;
  }
  if (fact.unknown) ++row.unknown_checks;
  switch (fact.result) {
    case Checked::Result::committed:
      if (!row.fate_commit) violation("row " + std::to_string(row.id) + " was confirmed although rolled back");
      row.confirmed = true;
      row.next_attempt_at.reset();
      break;
    case Checked::Result::rolled_back:
      if (row.fate_commit) violation("row " + std::to_string(row.id) + " was cancelled although committed");
      row.status = 3;
      break;
    case Checked::Result::ask_again:
      row.next_check_at = clock.now + fact.ask_in;
      break;
    case Checked::Result::parked:
      row.status = 2;
      row.ever_dead = true;
      break;
  }
}

TableRow& World::known(RowId id) {
  if (const auto found = rows.find(id.value()); found != rows.end()) return found->second;
  violation("phantom: row " + std::to_string(id.value()) + " was handed over and its commit is lost");
  return lost_row_;
}

void World::append(RowId id, bool stale_process) {
  log.push_back(id.value());
  const auto found = rows.find(id.value());
  if (found == rows.end()) {
    violation("phantom: row " + std::to_string(id.value()) + " is not in the table");
    return;
  }
  TableRow& row = found->second;
  if (row.seen_in_log++ > 0) return;
  ++appended_first;
  if (!row.confirmed) violation("phantom: row " + std::to_string(row.id) + " is unclear");
  if (row.lsn > flush_lsn_) violation("phantom: row " + std::to_string(row.id) + " is not flushed yet");
  if (stale_process) return;
  if (row.status == 3 || row.status == 4) violation("phantom: row " + std::to_string(row.id) + " was cancelled");
  check_order(row);
}

void World::check_order(const TableRow& row) {
  if (!row.key || !options.ordered) return;
  for (const auto& [id, earlier] : rows) {
    if (id >= row.id) return;
    if (earlier.key != row.key || earlier.topic != row.topic || earlier.seen_in_log > 0) continue;
    if (earlier.status == 3 || earlier.status == 4) continue;
    if (!options.hold && earlier.ever_dead) continue;
    violation("order: row " + std::to_string(row.id) + " of " + row.topic + "/" + *row.key +
              " is in the log before row " + std::to_string(id) + " (status " + std::to_string(earlier.status) +
              ", attempts " + std::to_string(earlier.attempts) + (earlier.confirmed ? "" : ", unclear") + ")");
    return;
  }
}

}  // namespace sim
