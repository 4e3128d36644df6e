// The whole path for one test: a migrated database, a broker, a relay with quick retries, and a look at both ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/fake_http_server.h"
#include "tests/support/postgres_server.h"
#include "tests/support/programs.h"

namespace e2e {

struct WorldOptions {
  std::string source = {};               // further lines of [[source]]
  std::string more = {};                 // further tables of relay.toml
  std::string encoding = "UTF8";         // of the database
  std::vector<std::string> topics = {};  // made before the relay starts: "name:max.message.bytes"
};

// [retry] first = 200 ms, limit = 3; [check_back] first = 200 ms, budget 24 h; alerts go to `webhook`.
class World {
 public:
  explicit World(const WorldOptions& options = {});

  // One statement as superuser; its first value, or "".
  std::string sql(const std::string& statement) const;
  // The row's column as text.
  [[nodiscard]] std::string column(std::int64_t id, const std::string& name) const;
  // Inserts a plain row, returns its id.
  std::int64_t insert(const std::string& topic, const std::string& key, const std::string& body) const;
  // Waits until the row has that status; false after the generous deadline.
  [[nodiscard]] bool becomes(std::int64_t id, int status) const;
  // Keys and bodies of a topic's records in log order, partition by partition: "key=body"; first occurrences alone,
  // since what was in flight behind a refused record may be sent again.
  [[nodiscard]] std::vector<std::string> log(const std::string& topic) const;
  // Every alert the webhook got, as "status error_class topic", in order.
  [[nodiscard]] std::vector<std::string> alerts() const;

  test_support::FakeHttpServer owner;  // answers check-backs
  test_support::FakeHttpServer webhook;
  test_support::PostgresServer postgres;
  test_support::BrokerProcess broker;
  test_support::RelayProcess relay;
};

}  // namespace e2e
