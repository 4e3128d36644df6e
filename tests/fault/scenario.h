// The main job under fire: a real PostgreSQL, broker and relay, writers that keep committing, and faults in mid-stream.
// Afterwards a quiet phase in which everything must arrive, then the history for the checker.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "tests/fault/checker.h"
#include "tests/fault/workload.h"
#include "tests/support/postgres_server.h"
#include "tests/support/programs.h"
#include "tests/support/seed.h"
#include "tests/support/tcp_proxy.h"

namespace fault {

struct ScenarioOptions {
  std::filesystem::path relay = {};  // empty: the product's own
  std::string relay_config = {};     // appended to the smallest configuration
  std::int64_t pause_us = 1'000;     // of each writer between transactions
  bool database_proxy = false;       // the relay reaches the database through database_proxy()
};

class Scenario {
 public:
  // Starts everything, the writers included, and prints the seed (OUTBOX_SEED sets it).
  explicit Scenario(const ScenarioOptions& options = {}, std::uint64_t seed = test_support::seed());

  // Blocks until the relay has delivered a random number of further rows, so that the fault hits a running stream.
  void wait_for_mid_stream();
  void kill_relay();
  void kill_broker();
  void kill_postgres();
  // Any other fault, counted as one.
  void inject(const std::function<void(Scenario&)>& fault);

  // Stops the writers, waits until no row waits any more (a minute at most), reads table and log.
  History finish();

  [[nodiscard]] std::int64_t delivered() const;
  // The configuration of a second relay on the same table.
  [[nodiscard]] std::string relay_toml() const;

  // The gate before the database; only with ScenarioOptions::database_proxy.
  [[nodiscard]] test_support::TcpProxy& database_proxy() { return *proxy_; }
  // Failed attempts of all rows: what an outage must never spend.
  [[nodiscard]] std::int64_t attempts_spent() const;

  test_support::PostgresServer postgres;
  test_support::BrokerProcess broker;

 private:
  std::unique_ptr<test_support::TcpProxy> proxy_;  // between postgres and relay, so it is made between them

 public:
  test_support::RelayProcess relay;
  Workload workload;

 private:
  std::mt19937_64 random_;
  int faults_ = 0;
};

}  // namespace fault
