// The seam to the business database: poll, mark, own. Implemented by relay/pg, by a simulation in tests.
// Three interfaces because each has a connection and a thread of its own: a slow mark never delays a poll, and neither
// delays the renewal of the lease. Every call blocks for at most the connection's time-outs (a fifth of the lease's ttl
// each) and throws core::DatabaseError; after a throw the next call reconnects.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "relay/core/row.h"
#include "relay/core/status.h"

namespace relay::core {

// The database failed. retryable() false: a definite refusal (authentication, no such table, no right, schema version).
class DatabaseError : public common::Error {
  using common::Error::Error;
};

// Both ends included.
struct IdRange {
  RowId first;
  RowId last;
};

// A position in PostgreSQL's write-ahead log, in bytes.
using Lsn = common::Strong<struct LsnTag, std::uint64_t>;
// A transaction's full 64-bit id.
using TransactionId = common::Strong<struct TransactionIdTag, std::uint64_t>;

// pg_current_snapshot() of the polling statement.
struct Snapshot {
  TransactionId xmin;
  TransactionId xmax;
  std::vector<TransactionId> in_progress;
};

struct PollRequest {
  RowId after;                    // the watermark
  std::span<const IdRange> gaps;  // asked again in the same statement, hence the same snapshot
  int rows_max = 0;
  std::int64_t bytes_max = 0;  // of bodies; the first row always comes, however large
};

struct PollResult {
  std::vector<Row> rows;       // status 0, in id order, not due ones and unclear ones included
  std::vector<Headline> dead;  // status 2 met on the way, in id order
  RowId last_seen;             // highest id this statement looked at; equals request.after when there was none
  RowId highest_id;            // max(id) of the whole table in this snapshot, whatever its status; 0: not known
  bool more = false;           // cut off by rows_max or bytes_max
  bool gaps_complete = true;   // false: cut off before the last gap's end; no gap may be closed by this poll
  Snapshot snapshot;
  Lsn insert_lsn;  // rows go out only once the flush position reached it (synchronous_commit = off)
  Lsn flush_lsn;
};

// The poll connection. One thread. Never takes a lock on a row.
class OutboxReader {
 public:
  virtual ~OutboxReader() = default;
  // Rows with status 0 or 2 and (id > after or id in gaps): one statement, one snapshot. What does not convert to
  // UTF-8 comes as a Row with `defect` set, not as an error.
  virtual PollResult poll(const PollRequest& request) = 0;
  // One page of the sweep: status 0 or 2 with after < id ≤ up_to, in id order, without bodies.
  virtual std::vector<Headline> sweep(RowId after, RowId up_to, int rows_max) = 0;
  // Status-0 rows whose next_attempt_at or next check-back (first_check_after past created_at when none is set) has
  // come, the longest due first. From the due-time indexes, without bodies.
  virtual std::vector<Headline> due(std::chrono::milliseconds first_check_after, int rows_max) = 0;
  // Whole rows of these ids that still have status 0, in id order; stops at bytes_max (but gives at least one).
  virtual std::vector<Row> load(std::span<const RowId> ids, std::int64_t bytes_max) = 0;
  // The write-ahead log's flush position, for rows that are not yet durable. `nudge`: commit something of our own
  // first, because nothing moved for a second.
  virtual Lsn flushed(bool nudge) = 0;
};

// An acknowledgement: a fact, marked whoever learns it and whoever owns the lease.
struct Delivered {
  RowId id;
  std::int32_t partition = -1;
  std::int64_t offset = -1;  // −1: the sink did not say
};

// A delivery attempt that failed alone, or a failure that no waiting can mend.
struct Failed {
  RowId id;
  std::string fail_msg;  // readable, cut to 500 characters by the store
  bool dead = false;     // true: status 2
  std::chrono::milliseconds retry_in{0};
  // What the row's `attempts` was when it was read: the mark applies to that only and is stale otherwise, so that a
  // mark whose commit was in doubt and is sent again counts once. −1: no such guard.
  int attempts_before = -1;
};

// What a check-back (or the wait for one) came to.
struct Checked {
  enum class Result {
    committed,    // confirmed = true, next_attempt_at null
    rolled_back,  // status 3
    ask_again,    // next_check_at
    parked,       // status 2, "check-back unresolved: …"
  };
  RowId id;
  Result result = Result::ask_again;
  bool asked = true;     // false: no call was made (URL not allowed, nothing to ask): checks stay as they are
  bool unknown = false;  // +1 unknown_checks
  std::string fail_msg;  // empty: leave the column
  std::chrono::milliseconds ask_in{0};
  int checks_before = -1;  // as Failed::attempts_before, of `checks`; only where asked is true
};

struct MarkBatch {
  std::vector<Delivered> delivered;
  std::vector<Failed> failed;
  std::vector<Checked> checked;
};

struct MarkResult {
  // Locked by somebody else for longer than the short lock_timeout: nothing was done to them, mark them again later.
  std::vector<RowId> blocked;
  std::string blocker;  // pid and what it runs, of the first blocked one; for the alert
  // Delivered rows that an operator had moved on meanwhile (status 3 or 4): status 1 now, kept in outbox_event.
  std::vector<RowId> conflicts;
  // Failure and check marks not applied: the row was no longer status 0.
  std::vector<RowId> stale;
  // True: the lease is no longer ours; failures and checks were not applied, deliveries were.
  bool fenced = false;
};

// The mark connection. One thread. One transaction per call, idle and statement time-outs at a fifth of the ttl.
class OutboxMarker {
 public:
  virtual ~OutboxMarker() = default;
  virtual MarkResult mark(Epoch epoch, const MarkBatch& batch) = 0;
};

// outbox_lease's row as somebody sees it. Two looks that are equal: the owner did not renew between them.
struct LeaseView {
  std::string owner;  // uuid; empty: free
  Epoch epoch;
  std::int64_t beat = 0;
  bool operator==(const LeaseView&) const = default;
};

// The renewing connection. One thread. Knows its own owner uuid, table and bucket.
class LeaseStore {
 public:
  virtual ~LeaseStore() = default;
  [[nodiscard]] virtual std::string owner() const = 0;
  virtual LeaseView look() = 0;
  // An UPDATE guarded by all of `seen`; the epoch goes up by one. None: somebody was faster.
  virtual std::optional<Epoch> take(const LeaseView& seen) = 0;
  // beat + 1, guarded by owner and epoch. False: 0 rows, the lease is lost.
  virtual bool renew(Epoch epoch) = 0;
  // Owner becomes null, guarded by owner and epoch; the epoch stays.
  virtual void release(Epoch epoch) = 0;
};

// What the page asks for; a connection of its own, so that a person's refresh disturbs nothing. One thread.
class OutboxObserver {
 public:
  virtual ~OutboxObserver() = default;
  // Newest first, from an index, never a scan.
  virtual std::vector<DeadRow> newest_dead(int rows_max) = 0;
};

}  // namespace relay::core
