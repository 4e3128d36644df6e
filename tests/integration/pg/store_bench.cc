// The store alone against the bare loop (read 1,000 by id, mark 1,000 by id) on the same table: what poll and mark cost
// beyond the least that PostgreSQL can do. Also by CPU time (this process and its server processes, which must be on
// this machine), because that says something on a busy machine too. Not a test.
// Usage: relay_pg_bench DSN ROWS (the table is emptied).
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
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

// User and system time of a process, from fields 14 and 15 of proc(5)'s stat, counted after the name in parentheses.
double cpu_seconds(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Of this process and of the server processes that serve it.
double cpu_seconds(Connection& connection) {
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  double seconds = static_cast<double>(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                   static_cast<double>(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
  const relay::pg::Result pids = connection.execute(
      "SELECT pid::text FROM pg_stat_activity WHERE application_name IN ('bench', 'outbox-relay/poll', "
      "'outbox-relay/mark')");
  for (int row = 0; row < pids.rows(); ++row) seconds += cpu_seconds(std::string(pids.value(row, 0)));
  return seconds;
}

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
struct Spent {
  double all = 0, poll = 0, mark = 0, cpu = 0;
};

Spent bare_loop(Connection& connection) {
  connection.prepare(
      "bare_read",
      "SELECT id, topic, message_key, body FROM public.message_record WHERE id > $1::bigint AND status IN "
      "(0, 2) ORDER BY id LIMIT 1000");
  connection.prepare("bare_mark",
                     "UPDATE public.message_record SET status = 1, sent_at = now() WHERE id = ANY ($1::bigint[])");
  Spent spent;
  const double cpu = cpu_seconds(connection);
  const auto start = Clock::now();
  std::int64_t after = 0;
  for (;;) {
    const relay::pg::Result page = connection.run("bare_read", Params().add_bigint(after));
    if (page.rows() == 0) break;
    std::vector<std::int64_t> ids;
    ids.reserve(static_cast<std::size_t>(page.rows()));
    for (int row = 0; row < page.rows(); ++row) ids.push_back(page.integer(row, 0));
    after = ids.back();
    connection.run("bare_mark", Params().add_bigints(ids));
  }
  spent.all = seconds_since(start);
  spent.cpu = cpu_seconds(connection) - cpu;
  return spent;
}

Spent store_loop(const StoreOptions& options, Connection& connection) {
  const auto reader = relay::pg::make_reader(options);
  const auto marker = relay::pg::make_marker(options);
  reader->sweep(RowId(0), RowId(1), 1);
  marker->mark(relay::core::Epoch(0), {.delivered = {{RowId(0), 0, 0}}, .failed = {}, .checked = {}});
  Spent spent;
  const double cpu = cpu_seconds(connection);
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
  spent.cpu = cpu_seconds(connection) - cpu;
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
    const Spent bare = bare_loop(connection);
    fill(connection, rows);
    const Spent store = store_loop(options, connection);
    std::cout << "bare loop " << static_cast<int>(rows / bare.all) << " rows/s, " << bare.cpu * 1e6 / rows
              << " us CPU a row; poll and mark " << static_cast<int>(rows / store.all) << " rows/s ("
              << bare.all / store.all << "), " << store.cpu * 1e6 / rows << " us CPU a row (" << bare.cpu / store.cpu
              << "); of its time poll " << store.poll / store.all << ", mark " << store.mark / store.all << std::endl;
  }
}
