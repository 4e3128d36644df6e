// OutboxMarker on PostgreSQL: a batch's marks in one transaction and, ordinarily, one round trip.
//
// The order inside the transaction: message rows first (in id order), then the lease row FOR KEY SHARE, so that nobody
// who waits for the lease waits for our rows too. Deliveries are facts and need no lease; failures and checks are only
// applied while the lease row still has our epoch, which stays locked until the commit.
#include <algorithm>
#include <set>

#include "relay/pg/errors.h"
#include "relay/pg/fail_text.h"
#include "relay/pg/mark_statements.h"
#include "relay/pg/session.h"
#include "relay/pg/store.h"

namespace relay::pg {
namespace {

using core::Checked;
using core::Delivered;
using core::Epoch;
using core::Failed;
using core::MarkBatch;
using core::MarkResult;
using core::RowId;

constexpr std::string_view kLockNotAvailable = "55P03";
constexpr std::string_view kDeadlock = "40P01";
// How long a mark waits for a row that somebody else holds before it goes round it.
constexpr const char* kLockTimeout = "100ms";

Params delivered_params(const std::vector<Delivered>& delivered) {
  std::vector<std::int64_t> ids, offsets;
  std::vector<std::int32_t> partitions;
  for (const Delivered& one : delivered) {
    ids.push_back(one.id.value());
    partitions.push_back(one.partition);
    offsets.push_back(one.offset);
  }
  Params params;
  params.add_bigints(ids).add_ints(partitions).add_bigints(offsets);
  return params;
}

std::int64_t microseconds(std::chrono::milliseconds wait) { return std::chrono::microseconds(wait).count(); }

// $1 ids, $2 messages, $3 dead, $4 µs to the retry, $5 attempts before, then the lease's $6 $7 $8.
Params failed_params(const std::vector<Failed>& failed) {
  std::vector<std::int64_t> ids, waits;
  std::vector<std::int32_t> before;
  std::vector<std::optional<std::string>> messages;
  std::vector<bool> dead;
  for (const Failed& one : failed) {
    ids.push_back(one.id.value());
    messages.emplace_back(storable(one.fail_msg));
    dead.push_back(one.dead);
    waits.push_back(microseconds(one.retry_in));
    before.push_back(one.attempts_before);
  }
  Params params;
  params.add_bigints(ids).add_texts(messages).add_booleans(dead).add_bigints(waits).add_ints(before);
  return params;
}

// $1 ids, $2 results as Checked::Result, $3 asked, $4 unknown, $5 messages (null: leave), $6 µs, $7 checks before, then
// the lease's $8 $9 $10.
Params checked_params(const std::vector<Checked>& checked) {
  std::vector<std::int64_t> ids, waits;
  std::vector<std::int32_t> results, before;
  std::vector<bool> asked, unknown;
  std::vector<std::optional<std::string>> messages;
  for (const Checked& one : checked) {
    ids.push_back(one.id.value());
    results.push_back(static_cast<std::int32_t>(one.result));
    asked.push_back(one.asked);
    unknown.push_back(one.unknown);
    messages.push_back(one.fail_msg.empty() ? std::nullopt : std::optional(storable(one.fail_msg)));
    waits.push_back(microseconds(one.ask_in));
    before.push_back(one.checks_before);
  }
  Params params;
  params.add_bigints(ids).add_ints(results).add_booleans(asked).add_booleans(unknown).add_texts(messages);
  params.add_bigints(waits).add_ints(before);
  return params;
}

// Id order in every array: rows are locked in that order.
template <class Mark>
void sort_by_id(std::vector<Mark>& marks) {
  if (!std::ranges::is_sorted(marks, {}, &Mark::id)) std::ranges::sort(marks, {}, &Mark::id);
}

template <class Mark>
void append_ids(std::vector<std::int64_t>& ids, const std::vector<Mark>& marks) {
  for (const Mark& mark : marks) ids.push_back(mark.id.value());
}

std::set<std::int64_t> ids_of(const Result& result) {
  std::set<std::int64_t> ids;
  for (int row = 0; row < result.rows(); ++row) ids.insert(result.integer(row, 0));
  return ids;
}

class PgMarker final : public core::OutboxMarker {
 public:
  explicit PgMarker(const StoreOptions& options)
      : table_(quoted_table(options.table)),
        table_name_(options.table),
        bucket_(options.bucket),
        timeout_ms_(std::to_string((options.lease_ttl / 5).count())),
        connection_(make_session(options, "mark", [this](Connection& connection) { prepare(connection); })) {}

  MarkResult mark(Epoch epoch, const MarkBatch& batch) override;

 private:
  void prepare(Connection& connection);
  // Applies the batch within the transaction that `begin` opens (or that is open: empty) and commits.
  MarkResult apply(Epoch epoch, const MarkBatch& batch, bool begin);
  MarkResult apply_around_locks(Epoch epoch, MarkBatch batch);
  void mark_conflicts(const std::vector<Delivered>& delivered, MarkResult& result);
  [[nodiscard]] std::string find_blocker(std::int64_t id);
  [[nodiscard]] Params lease_params(Params params, Epoch epoch) const {
    params.add_text(table_name_).add_int(bucket_).add_bigint(epoch.value());
    return params;
  }

  std::string table_;
  std::string table_name_;
  std::int32_t bucket_;
  std::string timeout_ms_;
  Connection connection_;
};

void PgMarker::prepare(Connection& connection) {
  for (const auto& [name, sql] : mark_statements(table_, table_name_)) connection.prepare(name, sql);
}

MarkResult PgMarker::mark(Epoch epoch, const MarkBatch& batch) {
  if (batch.delivered.empty() && batch.failed.empty() && batch.checked.empty()) return {};
  MarkBatch sorted = batch;
  sort_by_id(sorted.delivered);
  sort_by_id(sorted.failed);
  sort_by_id(sorted.checked);
  try {
    return apply(epoch, sorted, true);
  } catch (const SqlError& error) {
    if (error.sqlstate() != kLockNotAvailable && error.sqlstate() != kDeadlock) throw;
  }
  return apply_around_locks(epoch, std::move(sorted));
}

MarkResult PgMarker::apply(Epoch epoch, const MarkBatch& batch, bool begin) {
  const bool fenced_part = !batch.failed.empty() || !batch.checked.empty();
  const Params none;
  Params settings;
  settings.add_text(timeout_ms_).add_text(kLockTimeout);
  const Params delivered = delivered_params(batch.delivered);
  std::vector<std::int64_t> guarded_ids;
  append_ids(guarded_ids, batch.failed);
  append_ids(guarded_ids, batch.checked);
  std::ranges::sort(guarded_ids);
  Params guarded;
  guarded.add_bigints(guarded_ids);
  const Params lease = lease_params({}, epoch);
  const Params failed = lease_params(failed_params(batch.failed), epoch);
  const Params checked = lease_params(checked_params(batch.checked), epoch);

  std::vector<Step> steps;
  if (begin) {
    steps.push_back({"begin", nullptr, &none});
    steps.push_back({"settings", nullptr, &settings});
  }
  std::size_t delivered_at = 0, lease_at = 0, failed_at = 0, checked_at = 0;
  const auto step = [&](const char* statement, const Params& params) {
    steps.push_back({statement, nullptr, &params});
    return steps.size() - 1;
  };
  if (!batch.delivered.empty()) delivered_at = step("delivered", delivered);
  if (fenced_part) {
    step("lock_rows", guarded);
    lease_at = step("lock_lease", lease);
    if (!batch.failed.empty()) failed_at = step("failed", failed);
    if (!batch.checked.empty()) checked_at = step("checked", checked);
  }
  step("commit", none);
  const std::vector<Result> results = connection_.pipeline(steps);

  MarkResult result;
  if (fenced_part) result.fenced = results[lease_at].rows() == 0;
  const auto find_stale = [&](const auto& marks, std::size_t at) {
    if (marks.empty() || result.fenced) return;
    const std::set<std::int64_t> done = ids_of(results[at]);
    for (const auto& mark : marks) {
      if (!done.contains(mark.id.value())) result.stale.push_back(mark.id);
    }
  };
  find_stale(batch.failed, failed_at);
  find_stale(batch.checked, checked_at);
  // Fewer than asked: some were delivered already, are gone, or somebody had cancelled or discarded them.
  if (!batch.delivered.empty() && results[delivered_at].affected() != std::ssize(batch.delivered)) {
    mark_conflicts(batch.delivered, result);
  }
  return result;
}

void PgMarker::mark_conflicts(const std::vector<Delivered>& delivered, MarkResult& result) {
  const Result conflicts = connection_.run("conflicts", delivered_params(delivered));
  for (int row = 0; row < conflicts.rows(); ++row) result.conflicts.emplace_back(conflicts.integer(row, 0));
}

// Somebody holds a row: take those that are free, leave the others for a later mark.
MarkResult PgMarker::apply_around_locks(Epoch epoch, MarkBatch batch) {
  const Params none;
  Params settings;
  settings.add_text(timeout_ms_).add_text(kLockTimeout);
  std::vector<std::int64_t> all_ids;
  append_ids(all_ids, batch.delivered);
  append_ids(all_ids, batch.failed);
  append_ids(all_ids, batch.checked);
  std::ranges::sort(all_ids);
  Params ids;
  ids.add_bigints(all_ids);
  const std::vector<Step> steps = {{"begin", nullptr, &none},
                                   {"settings", nullptr, &settings},
                                   {"lock_free_rows", nullptr, &ids},
                                   {"existing_rows", nullptr, &ids}};
  const std::vector<Result> results = connection_.pipeline(steps);
  const std::set<std::int64_t> free = ids_of(results[2]);
  std::set<std::int64_t> blocked;
  for (const std::int64_t id : ids_of(results[3])) {
    if (!free.contains(id)) blocked.insert(id);
  }
  const auto is_blocked = [&](const auto& mark) { return blocked.contains(mark.id.value()); };
  std::erase_if(batch.delivered, is_blocked);
  std::erase_if(batch.failed, is_blocked);
  std::erase_if(batch.checked, is_blocked);
  MarkResult result;
  try {
    result = apply(epoch, batch, false);
  } catch (...) {
    connection_.close();  // and the open transaction with it
    throw;
  }
  for (const std::int64_t id : blocked) result.blocked.emplace_back(id);
  if (!blocked.empty()) result.blocker = find_blocker(*blocked.begin());
  return result;
}

// Who holds the row; what it runs only as far as no value can stand in it.
std::string PgMarker::find_blocker(std::int64_t id) {
  Params params;
  params.add_bigint(id);
  const Result found = connection_.run("blocker", params);
  if (found.rows() == 0) return "unknown (the row was locked a moment ago)";
  return std::string(found.value(0, 0));
}

}  // namespace

std::unique_ptr<core::OutboxMarker> make_marker(const StoreOptions& options) {
  return std::make_unique<PgMarker>(options);
}

}  // namespace relay::pg
