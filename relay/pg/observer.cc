// What is not on a message's path: the page's newest dead rows, and the deletion of delivered rows that are old enough.
#include <algorithm>

#include "common/text.h"
#include "relay/pg/errors.h"
#include "relay/pg/row_decode.h"
#include "relay/pg/session.h"
#include "relay/pg/store.h"

namespace relay::pg {
namespace {

class PgObserver final : public core::OutboxObserver {
 public:
  explicit PgObserver(const StoreOptions& options)
      : table_(quoted_table(options.table)),
        connection_(make_session(options, "page", [this](Connection& connection) { prepare(connection); })) {}

  std::vector<core::DeadRow> newest_dead(int rows_max) override {
    const Result found = connection_.run("newest_dead", Params().add_int(rows_max));
    std::vector<core::DeadRow> rows;
    rows.reserve(static_cast<std::size_t>(found.rows()));
    for (int row = 0; row < found.rows(); ++row) {
      rows.push_back({.id = found.integer(row, 0),
                      .topic = common::valid_utf8(found.value(row, 1)),
                      .key = common::valid_utf8(found.value(row, 2)),
                      .attempts = static_cast<int>(found.integer(row, 3)),
                      .checks = static_cast<int>(found.integer(row, 4)),
                      .fail_msg = common::valid_utf8(found.value(row, 5)),
                      .created_at = since_1970(found.integer(row, 6))});
    }
    return rows;
  }

 private:
  void prepare(Connection& connection) {
    // As bytes, so that one row that does not convert hides no other.
    const auto bytes = [](const std::string& column) { return "convert_to(" + column + ", getdatabaseencoding())"; };
    connection.prepare("newest_dead", "SELECT id, " + bytes("topic") + ", " + bytes("message_key") +
                                          ", attempts, checks, " + bytes("fail_msg") + ", created_at FROM " + table_ +
                                          " WHERE status = 2 ORDER BY id DESC LIMIT $1::integer");
  }

  std::string table_;
  Connection connection_;
};

class PgRetention final : public Retention {
 public:
  explicit PgRetention(const StoreOptions& options)
      : table_(quoted_table(options.table)),
        connection_(make_session(options, "retention", [this](Connection& connection) { prepare(connection); })) {}

  Step purge_delivered(core::RowId after, std::chrono::milliseconds keep, int rows_max) override {
    const int rows = std::clamp(rows_max, 1, 1000);
    Params params;
    params.add_bigint(after.value()).add_int(rows).add_bigint(std::chrono::microseconds(keep).count());
    const Result result = connection_.run("purge", params);
    const bool looked = !result.is_null(0, 1);
    return {.deleted = result.integer(0, 0),
            .last = looked ? core::RowId(result.integer(0, 1)) : after,
            .at_end = result.integer(0, 2) < rows || result.integer(0, 3) != 0};
  }

 private:
  void prepare(Connection& connection) {
    // A page of ids along the primary key, whatever their status; of those the ones that may go and are free. A page
    // whose delivered rows are all too young ends the pass: behind it they are younger still, nearly always, and the
    // few that are not wait no longer than this page does.
    connection.prepare(
        "purge",
        "WITH page AS MATERIALIZED (SELECT id, status, sent_at FROM " + table_ +
            " WHERE id > $1::bigint ORDER BY id LIMIT $2::integer), "
            "free AS MATERIALIZED (SELECT m.id FROM page p JOIN " +
            table_ +
            " m ON m.id = p.id WHERE p.status = 1 AND p.sent_at < statement_timestamp() - "
            "$3::bigint * interval '1 microsecond' AND m.status = 1 ORDER BY m.id FOR UPDATE OF m SKIP LOCKED), "
            "gone AS (DELETE FROM " +
            table_ +
            " m USING free WHERE m.id = free.id RETURNING m.id) "
            "SELECT (SELECT count(*) FROM gone), (SELECT max(id) FROM page), (SELECT count(*) FROM page), "
            "(SELECT coalesce(bool_and(sent_at >= statement_timestamp() - $3::bigint * interval '1 microsecond'), "
            "false) FROM page WHERE status = 1)");
  }

  std::string table_;
  Connection connection_;
};

}  // namespace

std::unique_ptr<core::OutboxObserver> make_observer(const StoreOptions& options) {
  return std::make_unique<PgObserver>(options);
}

std::unique_ptr<Retention> make_retention(const StoreOptions& options) {
  return std::make_unique<PgRetention>(options);
}

}  // namespace relay::pg
