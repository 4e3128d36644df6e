// libpq with deadlines: connecting, sending and receiving never wait longer than the connection's time-out allows.
#include "relay/pg/connection.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <libpq-fe.h>

#include "common/cut_off.h"
#include "common/ensure.h"
#include "relay/pg/errors.h"

namespace relay::pg {
namespace {

using Clock = std::chrono::steady_clock;

// How often a wait looks whether the other machine is still there.
constexpr std::int64_t kLookMs = 250;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::string keyword(const PGconn* connection, char* (*get)(const PGconn*)) {
  const char* text = connection != nullptr ? get(connection) : nullptr;
  return text != nullptr ? text : "";
}

// host, port, dbname and user as a DSN says them: for messages before there is a connection.
std::string describe_dsn(const std::string& dsn) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(dsn.c_str(), &error));
  PQfreemem(error);
  std::string database = "?", host = "?", port = "5432", user = "?";
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view name = option->keyword;
    if (name == "dbname") database = option->val;
    if (name == "host" || (name == "hostaddr" && host == "?")) host = option->val;
    if (name == "port") port = option->val;
    if (name == "user") user = option->val;
  }
  return database + " at " + host + ":" + port + " as " + user;
}

}  // namespace

void check_dsn(const std::string& dsn) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(dsn.c_str(), &error));
  PQfreemem(error);  // libpq's own words may quote a part of a password
  if (options == nullptr) {
    throw core::DatabaseError(
        "the dsn cannot be parsed; it is either \"host=… port=… dbname=… user=…\" (values with spaces in single "
        "quotes) "
        "or postgresql://user@host:port/dbname",
        false, common::ExitCode::configuration);
  }
}

Result::Result(pg_result* result) : result_(result) {}
Result::~Result() { PQclear(result_); }
Result::Result(Result&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
Result& Result::operator=(Result&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}

int Result::rows() const { return PQntuples(result_); }

std::int64_t Result::affected() const {
  const char* text = PQcmdTuples(result_);
  return *text == '\0' ? 0 : std::stoll(text);
}

bool Result::is_null(int row, int column) const { return PQgetisnull(result_, row, column) != 0; }

std::string_view Result::value(int row, int column) const {
  return {PQgetvalue(result_, row, column), static_cast<std::size_t>(PQgetlength(result_, row, column))};
}

std::int64_t Result::integer(int row, int column) const {
  const std::string_view bytes = value(row, column);
  ENSURE(!bytes.empty() && bytes.size() <= 8, "the statement's cast makes this column an integer");
  // Sign-extend from the first byte; booleans are 0 and 1.
  std::uint64_t number = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) number = (number << 8) | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(number);
}

struct Connection::Notices {
  std::vector<std::string> texts;
};

Connection::Connection(ConnectionOptions options, std::function<void(Connection&)> prepare)
    : options_(std::move(options)), prepare_(std::move(prepare)), notices_(std::make_unique<Notices>()) {}

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  PQfinish(connection_);
  connection_ = nullptr;
}

std::string Connection::describe() const {
  if (connection_ == nullptr || keyword(connection_, PQdb).empty()) return describe_dsn(options_.dsn);
  std::string host = keyword(connection_, PQhost);
  if (host.empty()) host = keyword(connection_, PQhostaddr);
  return keyword(connection_, PQdb) + " at " + host + ":" + keyword(connection_, PQport) + " as " +
         keyword(connection_, PQuser);
}

Connection::Deadline Connection::deadline() const {
  // The server's own statement_timeout comes first when it is alive; this ends waiting for a machine that is not.
  if (options_.timeout.count() == 0) return Deadline::max();
  return Clock::now() + options_.timeout * 5 / 4;
}

void Connection::connect() {
  if (connection_ != nullptr) return;
  open();
  if (!prepare_) return;
  try {
    prepare_(*this);
  } catch (...) {
    close();
    throw;
  }
}

void Connection::open() {
  check_dsn(options_.dsn);
  const std::string timeout_ms = std::to_string(options_.timeout.count());
  const std::string keepalive_s = std::to_string(std::max<std::int64_t>(1, options_.timeout.count() / 3000));
  std::vector<const char*> names, values;
  const auto set = [&](const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  };
  set("dbname", options_.dsn.c_str());
  if (!options_.password.empty()) set("password", options_.password.c_str());
  set("fallback_application_name", options_.application_name.c_str());
  set("client_encoding", "UTF8");
  set("keepalives", "1");
  if (options_.timeout.count() != 0) {
    set("keepalives_idle", keepalive_s.c_str());
    set("keepalives_interval", keepalive_s.c_str());
    set("keepalives_count", "3");
    set("tcp_user_timeout", timeout_ms.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);

  connection_ = PQconnectStartParams(names.data(), values.data(), 1);
  ENSURE(connection_ != nullptr, "out of memory");
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);  // puts the SQLSTATE of a refusal into the message
  PQsetNoticeReceiver(
      connection_,
      [](void* notices, const PGresult* result) {
        const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        auto& texts = static_cast<Notices*>(notices)->texts;
        if (text != nullptr && texts.size() < 1000) texts.emplace_back(text);
      },
      notices_.get());
  const Deadline until = options_.timeout.count() == 0 ? Deadline::max() : Clock::now() + options_.timeout;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(connection_) != CONNECTION_BAD && status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
    wait(status == PGRES_POLLING_WRITING, until);
    status = PQconnectPoll(connection_);
  }
  if (PQstatus(connection_) != CONNECTION_OK) {
    const ConnectFailure failure = parse_connect_failure(PQerrorMessage(connection_));
    const bool needs_password = PQconnectionNeedsPassword(connection_) != 0;
    const std::string where = describe();
    close();
    throw make_error(where, failure.sqlstate.empty() && needs_password ? "28P01" : failure.sqlstate, failure.message);
  }
  PQsetErrorVerbosity(connection_, PQERRORS_DEFAULT);
  if (PQsetnonblocking(connection_, 1) != 0) fail_broken("cannot switch to asynchronous sending");
}

void Connection::fail_broken(const std::string& what) {
  const std::string where = describe();
  close();
  throw make_error(where, "", what);
}

void Connection::fail_result(PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const SqlError error = make_error(describe(), sqlstate != nullptr ? sqlstate : "",
                                    message != nullptr ? message : PQresultErrorMessage(result));
  if (PQstatus(connection_) != CONNECTION_OK || sqlstate == nullptr) close();
  throw error;
}

void Connection::wait(bool for_writing, Deadline until) {
  pollfd descriptor{PQsocket(connection_), static_cast<short>(for_writing ? POLLOUT | POLLIN : POLLIN), 0};
  if (PQstatus(connection_) != CONNECTION_OK && for_writing) descriptor.events = POLLOUT;  // still connecting
  const auto begun = Clock::now();
  for (;;) {
    std::int64_t left_ms = kLookMs;
    if (until != Deadline::max()) {
      left_ms = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left_ms <= 0) fail_broken("no answer in time; is the server reachable and awake?");
    }
    const int ready = ::poll(&descriptor, 1, static_cast<int>(std::min(left_ms, kLookMs)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) fail_broken(std::string("poll: ") + std::strerror(errno));
    // Nothing is heard of a handshake before its end, so this wait is as old as that.
    if (common::is_cut_off(descriptor.fd, Clock::now() - begun)) {
      fail_broken("packets to the server are lost; is its machine up, and the network?");
    }
  }
}

void Connection::flush(Deadline until) {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) return;
    if (left < 0) fail_broken(one_line(PQerrorMessage(connection_)));
    wait(true, until);
    if (PQconsumeInput(connection_) == 0) fail_broken(one_line(PQerrorMessage(connection_)));
  }
}

PGresult* Connection::next_result(Deadline until) {
  while (PQisBusy(connection_) != 0) {
    wait(false, until);
    if (PQconsumeInput(connection_) == 0) fail_broken(one_line(PQerrorMessage(connection_)));
  }
  return PQgetResult(connection_);
}

// Reads everything of the statement under way; the last result, or the first error.
Result Connection::finish(Deadline until) {
  flush(until);
  ResultHandle last;
  ResultHandle failed;
  while (PGresult* result = next_result(until)) {
    ResultHandle handle(result);
    const ExecStatusType status = PQresultStatus(result);
    const bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
    if (!good && !failed) failed = std::move(handle);
    if (good) last = std::move(handle);
    if (PQstatus(connection_) != CONNECTION_OK) break;
  }
  if (failed) fail_result(failed.get());
  ENSURE(last != nullptr, "a statement without error has a result");
  return Result(last.release());
}

namespace {

// libpq's parallel arrays for a statement's parameters. Views into `params`.
struct Wire {
  explicit Wire(const Params& params) {
    for (std::size_t i = 0; i < params.size(); ++i) {
      const auto& value = params.value(i);
      values.push_back(value ? value->data() : nullptr);
      lengths.push_back(value ? static_cast<int>(value->size()) : 0);
      formats.push_back(1);
    }
  }
  [[nodiscard]] int count() const { return static_cast<int>(values.size()); }
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

}  // namespace

Result Connection::execute(const std::string& sql) {
  connect();
  const Deadline until = deadline();
  if (PQsendQuery(connection_, sql.c_str()) == 0) fail_broken(one_line(PQerrorMessage(connection_)));
  return finish(until);
}

Result Connection::query(const std::string& sql, const Params& params, Format format) {
  connect();
  const Deadline until = deadline();
  const Wire wire(params);
  if (PQsendQueryParams(connection_, sql.c_str(), wire.count(), nullptr, wire.values.data(), wire.lengths.data(),
                        wire.formats.data(), static_cast<int>(format)) == 0) {
    fail_broken(one_line(PQerrorMessage(connection_)));
  }
  return finish(until);
}

void Connection::prepare(const char* name, const std::string& sql) {
  connect();
  const Deadline until = deadline();
  if (PQsendPrepare(connection_, name, sql.c_str(), 0, nullptr) == 0) {
    fail_broken(one_line(PQerrorMessage(connection_)));
  }
  finish(until);
}

Result Connection::run(const char* name, const Params& params, Format format) {
  connect();
  const Deadline until = deadline();
  const Wire wire(params);
  if (PQsendQueryPrepared(connection_, name, wire.count(), wire.values.data(), wire.lengths.data(), wire.formats.data(),
                          static_cast<int>(format)) == 0) {
    fail_broken(one_line(PQerrorMessage(connection_)));
  }
  return finish(until);
}

std::vector<Result> Connection::pipeline(std::span<const Step> steps) {
  connect();
  const Deadline until = deadline();
  if (PQenterPipelineMode(connection_) == 0) fail_broken(one_line(PQerrorMessage(connection_)));
  for (const Step& step : steps) {
    const Wire wire(*step.params);
    const bool sent = step.statement != nullptr
                          ? PQsendQueryPrepared(connection_, step.statement, wire.count(), wire.values.data(),
                                                wire.lengths.data(), wire.formats.data(), 1) != 0
                          : PQsendQueryParams(connection_, step.sql, wire.count(), nullptr, wire.values.data(),
                                              wire.lengths.data(), wire.formats.data(), 1) != 0;
    if (!sent) fail_broken(one_line(PQerrorMessage(connection_)));
  }
  if (PQpipelineSync(connection_) == 0) fail_broken(one_line(PQerrorMessage(connection_)));
  flush(until);
  std::vector<Result> results;
  ResultHandle failed;
  for (bool synced = false; !synced;) {
    ResultHandle result(next_result(until));
    if (PQstatus(connection_) != CONNECTION_OK) {
      if (result && !failed) failed = std::move(result);
      if (failed) fail_result(failed.get());
      fail_broken(one_line(PQerrorMessage(connection_)));
    }
    if (!result) continue;  // the end of one step
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        synced = true;
        break;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        results.emplace_back(result.release());
        break;
      case PGRES_PIPELINE_ABORTED:
        break;
      default:
        if (!failed) failed = std::move(result);
    }
  }
  if (PQexitPipelineMode(connection_) == 0) fail_broken(one_line(PQerrorMessage(connection_)));
  if (failed) {
    if (PQtransactionStatus(connection_) != PQTRANS_IDLE) execute("ROLLBACK");
    fail_result(failed.get());
  }
  ENSURE(results.size() == steps.size(), "every step of a pipeline has one result");
  return results;
}

bool Connection::in_transaction() const {
  return connection_ != nullptr && PQtransactionStatus(connection_) == PQTRANS_INTRANS;
}

std::vector<std::string> Connection::take_notices() { return std::exchange(notices_->texts, {}); }

}  // namespace relay::pg
