// One connection to PostgreSQL, with a deadline on everything it does: the floor under poll, mark, lease and
// migrations. On libpq's asynchronous interface, because a blocking call has no deadline when the server's machine
// stops answering.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/pg/params.h"

// libpq's own names; its header stays out of ours.
struct pg_conn;
struct pg_result;

namespace relay::pg {

struct ConnectionOptions {
  std::string dsn = {};               // libpq's key=value words or a postgresql:// URL
  std::string password = {};          // from password_file; empty: what the DSN says
  std::string application_name = {};  // shown in pg_stat_activity unless the DSN names another
  // For connecting, for a statement (the server's statement_timeout) and for TCP to give up (a fifth of the lease's
  // ttl). A call as a whole returns within 5/4 of it.
  std::chrono::milliseconds timeout{3000};
};

// Throws core::DatabaseError (definite, exit code 78) when the DSN cannot be parsed. Connects to nothing.
void check_dsn(const std::string& dsn);

// Rows of one statement. Binary or text as it was asked for. Not thread-safe; owns its memory.
class Result {
 public:
  explicit Result(pg_result* result);
  ~Result();
  Result(Result&& other) noexcept;
  Result& operator=(Result&& other) noexcept;

  [[nodiscard]] int rows() const;
  // What an INSERT, UPDATE or DELETE changed.
  [[nodiscard]] std::int64_t affected() const;
  [[nodiscard]] bool is_null(int row, int column) const;
  // Valid as long as the Result.
  [[nodiscard]] std::string_view value(int row, int column) const;
  // Binary integers of 2, 4 or 8 bytes, sign kept; booleans are 0 and 1.
  [[nodiscard]] std::int64_t integer(int row, int column) const;

 private:
  pg_result* result_;
};

enum class Format { text = 0, binary = 1 };

// Statement and parameters of one step of a pipeline.
struct Step {
  const char* statement;  // prepared under this name, or empty: `sql` is run unprepared
  const char* sql;
  const Params* params;
};

// Not thread-safe. Every call may throw core::DatabaseError; unless it was an error of the statement alone, the
// connection is closed then and the next call connects anew. Never reconnects inside a call that already sent
// something.
class Connection {
 public:
  // `prepare` runs on every new connection: settings, prepared statements, checks.
  Connection(ConnectionOptions options, std::function<void(Connection&)> prepare);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Does nothing when connected.
  void connect();
  void close() noexcept;
  [[nodiscard]] bool in_transaction() const;
  // From the next call on; 0: waits without end.
  void set_timeout(std::chrono::milliseconds timeout) { options_.timeout = timeout; }
  [[nodiscard]] bool connected() const { return connection_ != nullptr; }

  // One or more statements as text (the simple protocol); the last one's rows.
  Result execute(const std::string& sql);
  // One statement with parameters, planned anew; binary parameters.
  Result query(const std::string& sql, const Params& params, Format format = Format::binary);
  void prepare(const char* name, const std::string& sql);
  Result run(const char* name, const Params& params, Format format = Format::binary);
  // All steps in one round trip; one result each. When a step fails the later ones did not happen (unless they were a
  // ROLLBACK's business, nothing is left open: the connection is closed) and its error is thrown.
  std::vector<Result> pipeline(std::span<const Step> steps);

  // NOTICE texts since the last call; for people who run migrations.
  [[nodiscard]] std::vector<std::string> take_notices();
  // "shop at 127.0.0.1:5432 as relay", for messages.
  [[nodiscard]] std::string describe() const;

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  struct Notices;

  void open();
  [[nodiscard]] Deadline deadline() const;
  void wait(bool for_writing, Deadline until);
  void flush(Deadline until);
  pg_result* next_result(Deadline until);
  Result finish(Deadline until);
  [[noreturn]] void fail_broken(const std::string& what);
  [[noreturn]] void fail_result(pg_result* result);

  ConnectionOptions options_;
  std::function<void(Connection&)> prepare_;
  std::unique_ptr<Notices> notices_;
  pg_conn* connection_ = nullptr;
};

}  // namespace relay::pg
