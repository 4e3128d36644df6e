// The rules, one function each.
#include "tests/fault/checker.h"

#include <set>
#include <sstream>

namespace fault {
namespace {

using Message = std::pair<std::string, std::int64_t>;
constexpr int kDelivered = 1;
constexpr int kWaiting = 0;
constexpr std::size_t kFindingsPerRule = 5;

class Findings {
 public:
  void add(const std::string& rule, const std::string& detail) {
    if (++counts_[rule] <= kFindingsPerRule) found_.push_back({rule, detail});
  }
  std::vector<Finding> take() {
    for (const auto& [rule, count] : counts_) {
      if (count > kFindingsPerRule) found_.push_back({rule, "… " + std::to_string(count) + " in all"});
    }
    return std::move(found_);
  }

 private:
  std::map<std::string, std::size_t> counts_;
  std::vector<Finding> found_;
};

std::string name(const Message& message) { return message.first + "#" + std::to_string(message.second); }

std::set<Message> seen_in(const History& history) {
  std::set<Message> seen;
  for (const auto& record : history.logged) seen.insert({record.key, record.number});
  return seen;
}

std::set<Message> committed_in(const History& history) {
  std::set<Message> committed;
  for (const auto& row : history.committed) committed.insert({row.key, row.number});
  return committed;
}

// Everything committed is in the log, and the table says so: after the quiet phase nothing may still wait.
void check_lost(const History& history, const std::set<Message>& seen, Findings& findings) {
  for (const auto& row : history.committed) {
    const Message message{row.key, row.number};
    if (!seen.contains(message)) findings.add("lost", name(message) + ", status " + std::to_string(row.status));
    if (row.status == kWaiting) findings.add("undelivered", name(message) + " still waits");
    if (row.status != kWaiting && row.status != kDelivered) {
      findings.add("undelivered", name(message) + " has status " + std::to_string(row.status));
    }
  }
}

void check_phantom(const std::set<Message>& seen, const std::set<Message>& committed, Findings& findings) {
  for (const auto& message : seen) {
    if (!committed.contains(message)) findings.add("phantom", name(message) + " was never committed");
  }
}

// A row marked delivered names a partition and an offset: that very record must lie there.
void check_marked(const History& history, Findings& findings) {
  std::map<std::pair<std::int32_t, std::int64_t>, Message> log;
  for (const auto& record : history.logged) {
    const auto [place, fresh] = log.insert({{record.partition, record.offset}, {record.key, record.number}});
    if (!fresh) findings.add("inconsistent_offset", name(place->second) + " shares its offset");
  }
  for (const auto& row : history.committed) {
    if (row.status != kDelivered || row.offset < 0) continue;
    const auto there = log.find({row.partition, row.offset});
    if (there == log.end() || there->second != Message{row.key, row.number}) {
      findings.add("marked_not_logged", name({row.key, row.number}) + " at " + std::to_string(row.partition) + ":" +
                                            std::to_string(row.offset));
    }
  }
}

// Per key, in log order: a new number is the highest so far plus one; a jump back begins a replay, which goes on
// without a hole until it meets new numbers again; each fault may cause one replay.
void check_order(const History& history, bool stale_repeats, Findings& findings) {
  struct KeyState {
    std::int32_t partition = 0;
    std::int64_t highest = 0;
    std::int64_t last = 0;
    int replays = 0;
  };
  std::map<std::string, KeyState> keys;
  for (const auto& record : history.logged) {
    const auto [entry, fresh] = keys.try_emplace(record.key);
    KeyState& key = entry->second;
    if (fresh) key.partition = record.partition;
    const std::string what = name({record.key, record.number}) + " after " + std::to_string(key.last);
    if (key.partition != record.partition) findings.add("order", what + ", in another partition");
    if (record.number <= key.last) {
      if (++key.replays > history.faults) findings.add("order", what + ": more replays than faults");
    } else if (record.number != key.last + 1 && !(stale_repeats && record.number == key.highest + 1)) {
      findings.add("order", what + ", highest so far " + std::to_string(key.highest));
    }
    key.last = record.number;
    key.highest = std::max(key.highest, record.number);
  }
}

void check_duplicates(const History& history, Findings& findings) {
  const std::int64_t allowed = history.faults * history.window_rows;
  const std::int64_t found = repeated(history);
  if (found > allowed) {
    findings.add("duplicates", std::to_string(found) + " repeated, allowed " + std::to_string(allowed));
  }
}

// What a writer was told is committed must be in the database: the harness checks its own ground.
void check_database(const History& history, const std::set<Message>& committed, Findings& findings) {
  for (const auto& message : history.acknowledged) {
    if (!committed.contains(message)) findings.add("database", name(message) + " was acknowledged and is gone");
  }
}

void check_vacuity(const History& history, const Demand& demand, Findings& findings) {
  if (static_cast<std::int64_t>(history.committed.size()) < demand.committed_min) {
    findings.add("vacuity", "only " + std::to_string(history.committed.size()) + " rows were committed");
  }
  if (history.faults < demand.faults_min) {
    findings.add("vacuity", "only " + std::to_string(history.faults) + " faults happened");
  }
}

}  // namespace

std::vector<Finding> check(const History& history, const Demand& demand) {
  Findings findings;
  const auto seen = seen_in(history);
  const auto committed = committed_in(history);
  check_lost(history, seen, findings);
  check_phantom(seen, committed, findings);
  check_marked(history, findings);
  check_order(history, demand.stale_repeats, findings);
  check_duplicates(history, findings);
  check_database(history, committed, findings);
  check_vacuity(history, demand, findings);
  return findings.take();
}

std::int64_t repeated(const History& history) {
  return static_cast<std::int64_t>(history.logged.size()) - static_cast<std::int64_t>(seen_in(history).size());
}

std::string to_text(const std::vector<Finding>& findings) {
  std::ostringstream text;
  for (const auto& finding : findings) text << finding.rule << ": " << finding.detail << "\n";
  return text.str();
}

}  // namespace fault
