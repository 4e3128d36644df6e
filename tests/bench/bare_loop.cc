// The mark that the drain is measured against: the least that any relay in mark mode must do to PostgreSQL.
// Read 1,000 waiting rows by id, mark the same 1,000 by id, on one connection, until none is left. Nothing is
// published.
//
// usage: bare_loop DSN      prints one JSON line: {"rows": N, "seconds": S}
#include <libpq-fe.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

constexpr const char* kRead =
    "SELECT id, topic, message_key, body, headers, confirmed, attempts, created_at FROM message_record "
    "WHERE status IN (0, 2) AND id > $1 ORDER BY id LIMIT 1000";
constexpr const char* kMark =
    "UPDATE message_record SET status = 1, sent_at = clock_timestamp(), sent_partition = 0, sent_offset = 0 "
    "WHERE id = ANY ($1::bigint[])";

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

Result run(PGconn* connection, const char* name, const std::string& argument) {
  const char* values[] = {argument.c_str()};
  Result result(PQexecPrepared(connection, name, 1, values, nullptr, nullptr, 0));
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    std::fprintf(stderr, "bare_loop: %s", PQerrorMessage(connection));
    std::exit(1);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bare_loop DSN\n");
    return 64;
  }
  PGconn* connection = PQconnectdb(argv[1]);
  PQclear(PQprepare(connection, "read", kRead, 1, nullptr));
  PQclear(PQprepare(connection, "mark", kMark, 1, nullptr));
  const auto started = std::chrono::steady_clock::now();
  std::string last = "0";
  long long rows = 0;
  while (true) {
    const Result page = run(connection, "read", last);
    const int count = PQntuples(page.get());
    if (count == 0) break;
    std::string ids = "{";
    for (int row = 0; row < count; ++row) {
      if (row > 0) ids += ',';
      ids += PQgetvalue(page.get(), row, 0);
    }
    run(connection, "mark", ids + "}");
    last = PQgetvalue(page.get(), count - 1, 0);
    rows += count;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("{\"rows\": %lld, \"seconds\": %.3f}\n", rows, took.count());
  PQfinish(connection);
  return 0;
}
