// The store alone against the bare loop (read 1,000 by id, mark 1,000 by id) on the same table: what poll and mark cost
// beyond the least that PostgreSQL can do. Not a test. Usage: relay_pg_bench DSN ROWS (the table is emptied).
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "relay/pg/connection.h"
#include "relay/pg/store.h"

namespace {

using relay::core::RowId;
using relay::pg::Connection;
using relay::pg::Params;
using relay::pg::StoreOptions;
using Clock = std::chrono::steady_clock;

constexpr int kPage = 1000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void fill(Connection& connection, int rows) {
  connection.execute("TRUNCATE message_record RESTART IDENTITY");
  connection.execute(
      "INSERT INTO message_record (topic, message_key, body) SELECT 'orders', 'k' || i % 10000, "
      "repeat('x', 200) FROM generate_series(1, " +
      std::to_string(rows) + ") i");
  connection.execute("VACUUM ANALYZE message_record");
  connection.execute("CHECKPOINT");
}

// Reads and marks in turn, on one connection, with nothing but what that needs.
double bare_loop(Connection& connection) {
  connection.prepare(
      "bare_read",
      "SELECT id, topic, message_key, body FROM public.message_record WHERE id > $1::bigint AND status IN "
      "(0, 2) ORDER BY id LIMIT 1000");
  connection.prepare("bare_mark",
                     "UPDATE public.message_record SET status = 1, sent_at = now() WHERE id = ANY ($1::bigint[])");
  const auto start = Clock::now();
  std::int64_t after = 0;
  for (;;) {
    const relay::pg::Result page = connection.run("bare_read", Params().add_bigint(after));
    if (page.rows() == 0) return seconds_since(start);
    std::vector<std::int64_t> ids;
    for (int row = 0; row < page.rows(); ++row) ids.push_back(page.integer(row, 0));
    after = ids.back();
    connection.run("bare_mark", Params().add_bigints(ids));
  }
}

struct Spent {
  double all = 0, poll = 0, mark = 0;
};

Spent store_loop(const StoreOptions& options) {
  const auto reader = relay::pg::make_reader(options);
  const auto marker = relay::pg::make_marker(options);
  reader->sweep(RowId(0), RowId(1), 1);
  marker->mark(relay::core::Epoch(0), {.delivered = {{RowId(0), 0, 0}}, .failed = {}, .checked = {}});
  Spent spent;
  const auto start = Clock::now();
  RowId after(0);
  for (;;) {
    auto before = Clock::now();
    const auto page = reader->poll({.after = after, .gaps = {}, .rows_max = kPage, .bytes_max = 16 << 20});
    spent.poll += seconds_since(before);
    if (page.rows.empty()) break;
    relay::core::MarkBatch batch;
    for (const auto& row : page.rows) batch.delivered.push_back({row.id, 3, row.id.value()});
    after = page.last_seen;
    before = Clock::now();
    marker->mark(relay::core::Epoch(0), batch);
    spent.mark += seconds_since(before);
  }
  spent.all = seconds_since(start);
  return spent;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: relay_pg_bench DSN ROWS\n";
    return 64;
  }
  const int rows = std::stoi(argv[2]);
  StoreOptions options;
  options.dsn = argv[1];
  Connection connection({.dsn = options.dsn, .application_name = "bench", .timeout = std::chrono::milliseconds(0)},
                        nullptr);
  for (int round = 0; round < 3; ++round) {
    fill(connection, rows);
    connection.close();
    const double bare = bare_loop(connection);
    fill(connection, rows);
    const Spent spent = store_loop(options);
    std::cout << "bare loop " << static_cast<int>(rows / bare) << " rows/s; poll and mark "
              << static_cast<int>(rows / spent.all) << " rows/s (" << bare / spent.all << "); per 1,000 rows: poll "
              << spent.poll * 1e6 / rows << " ms, mark " << spent.mark * 1e6 / rows << " ms" << std::endl;
  }
}
