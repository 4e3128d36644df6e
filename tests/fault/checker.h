// The checker of the crash tests: what was committed, against what the log holds and what the table says.
// Pure: it reads a history and names every rule that the history breaks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fault {

// A row of the workload as the database has it after the faults. Writers of one key are serialised by a counter row in
// the same transaction, so the committed numbers of a key are 1, 2, 3, … without a hole.
struct CommittedRow {
  std::int64_t id = 0;
  std::string key;
  std::int64_t number = 0;
  int status = 0;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
};

// A record as a fresh consumer found it, from offset 0.
struct LoggedRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::int64_t number = 0;
};

struct History {
  std::vector<CommittedRow> committed;
  std::vector<std::pair<std::string, std::int64_t>> acknowledged;  // (key, number) whose COMMIT returned to the writer
  std::vector<LoggedRecord> logged;                                // in offset order within each partition
  int faults = 0;                                                  // injected and seen to happen
  std::int64_t window_rows = 0;                                    // the relay's in_flight_rows
};

struct Demand {
  std::int64_t committed_min = 0;  // fewer: the run proved nothing
  int faults_min = 0;
  // A paused owner woke and sent what it had queued: its replay may break off, and the new owner's next number follows.
  bool stale_repeats = false;
};

struct Finding {
  std::string rule;  // lost, phantom, order, marked_not_logged, undelivered, duplicates, database, vacuity
  std::string detail;
};

// Empty: the history holds. At most a handful of findings per rule.
std::vector<Finding> check(const History& history, const Demand& demand);

// One line per finding, for a test's message.
std::string to_text(const std::vector<Finding>& findings);

// How many records the log holds more than once.
std::int64_t repeated(const History& history);

}  // namespace fault
