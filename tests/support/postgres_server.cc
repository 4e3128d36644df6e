// Implements postgres_server.h.
#include "tests/support/postgres_server.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "common/error.h"
#include "tests/support/net.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace test_support {

PostgresServer::PostgresServer(const PostgresOptions& options) : port_(free_port()) {
  std::vector<std::string> arguments = {"start",   (folder_ / "pg").string(),  std::to_string(port_),
                                        "--watch", std::to_string(::getpid()), "--no-sync"};
  for (const auto& [name, value] : options.settings) {
    arguments.emplace_back("--set");
    arguments.push_back(name + "=" + value);
  }
  command(arguments);
}

PostgresServer::~PostgresServer() {
  try {
    stop_immediate();
  } catch (const common::Error&) {
    // The watcher stops it when the test ends.
  }
}

std::string PostgresServer::dsn(const std::string& database, const std::string& user) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=" + database + " user=" + user;
}

void PostgresServer::create_database(const std::string& name) { execute("postgres", "CREATE DATABASE " + name); }

std::string PostgresServer::execute(const std::string& database, const std::string& sql) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(dsn(database).c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw common::Error(PQerrorMessage(connection.get()), true);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
    throw common::Error(PQresultErrorMessage(result.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

void PostgresServer::start() { command({"start", (folder_ / "pg").string(), "--watch", std::to_string(::getpid())}); }
void PostgresServer::stop() { command({"stop", (folder_ / "pg").string()}); }
void PostgresServer::stop_immediate() { command({"immediate-stop", (folder_ / "pg").string()}); }
void PostgresServer::restart() { command({"restart", (folder_ / "pg").string()}); }

std::string PostgresServer::log() const { return read_file(folder_ / "pg/postgres.log"); }

void PostgresServer::command(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {(source_dir() / "tests/support/postgres.sh").string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const RunResult result = run(std::move(argv), {}, std::chrono::minutes(4));
  if (result.exit.code != 0) throw common::Error("postgres.sh " + arguments.front() + ": " + result.error_output);
}

}  // namespace test_support
