// A PostgreSQL of the test's own, started by postgres.sh; gone with this object or with the test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace test_support {

struct PostgresOptions {
  std::map<std::string, std::string> settings = {};  // of postgresql.conf; flushing is on unless {"fsync", "off"}
};

// Every call blocks until it is done and throws common::Error (with PostgreSQL's own words) when it fails.
class PostgresServer {
 public:
  // Takes about a second.
  explicit PostgresServer(const PostgresOptions& options = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // libpq's words for a superuser's connection, or another user's.
  [[nodiscard]] std::string dsn(const std::string& database = "postgres", const std::string& user = "postgres") const;

  void create_database(const std::string& name);
  // One or more statements as superuser, on a connection of its own; the last one's first column of its first row, or
  // "".
  std::string execute(const std::string& database, const std::string& sql) const;

  void start();           // on the same port
  void stop();            // open transactions fail
  void stop_immediate();  // like a crash: no checkpoint
  void restart();

  [[nodiscard]] std::string log() const;

 private:
  void command(const std::vector<std::string>& arguments);

  TempDir folder_;
  std::uint16_t port_;
};

}  // namespace test_support
