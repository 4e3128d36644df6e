// Wires the real programs together and counts the faults that really happened.
#include "tests/fault/scenario.h"

#include <chrono>
#include <iostream>
#include <regex>

#include "tests/fault/log_reader.h"
#include "tests/support/wait_until.h"

namespace fault {
namespace {

constexpr std::int64_t kWindowRows = 10'000;
constexpr const char* kDatabase = "shop";

// The database is made before the writers connect to it.
WorkloadOptions prepared(test_support::PostgresServer& postgres, const ScenarioOptions& options, std::uint64_t seed) {
  return {.dsn = postgres.dsn(kDatabase), .seed = seed, .pause_us = options.pause_us};
}

std::string smallest_config(const std::string& dsn, const test_support::BrokerProcess& broker) {
  return "[[source]]\nname = \"crash\"\ndsn = \"" + dsn + "\"\n" +  //
         "[sink]\nbootstrap_servers = \"" + broker.address() + "\"\n[lease]\nttl = \"2s\"\n";
}

// Migrated before the relay starts: it has no right to make tables.
std::string migrated_dsn(test_support::PostgresServer& postgres) {
  postgres.create_database(kDatabase);
  test_support::migrate(postgres.dsn(kDatabase));
  return postgres.dsn(kDatabase);
}

std::string through(const test_support::TcpProxy* proxy, const std::string& dsn) {
  if (proxy == nullptr) return dsn;
  return std::regex_replace(dsn, std::regex("port=[0-9]+"), "port=" + std::to_string(proxy->port()));
}

}  // namespace

Scenario::Scenario(const ScenarioOptions& options, std::uint64_t seed)
    : proxy_(options.database_proxy ? std::make_unique<test_support::TcpProxy>(postgres.port()) : nullptr),
      relay({.config = smallest_config(through(proxy_.get(), migrated_dsn(postgres)), broker) + options.relay_config,
             .executable = options.relay}),
      workload(prepared(postgres, options, seed)),
      random_(seed) {
  workload.start();
}

std::string Scenario::relay_toml() const { return smallest_config(postgres.dsn(kDatabase), broker); }

std::int64_t Scenario::attempts_spent() const {
  return std::stoll(postgres.execute(kDatabase, "SELECT coalesce(sum(attempts), 0) FROM message_record"));
}

std::int64_t Scenario::delivered() const {
  return std::stoll(postgres.execute(kDatabase, "SELECT count(*) FROM message_record WHERE status = 1"));
}

void Scenario::wait_for_mid_stream() {
  const std::int64_t further = std::uniform_int_distribution<std::int64_t>(20, 400)(random_);
  const std::int64_t target = delivered() + further;
  if (!test_support::wait_until([&] { return delivered() >= target; })) {
    throw std::runtime_error("the stream does not flow; the end of the relay's log:\n" + relay.log());
  }
}

void Scenario::kill_relay() {
  inject([](Scenario& self) {
    self.relay.kill();
    self.relay.start();
  });
}

void Scenario::kill_broker() {
  inject([](Scenario& self) {
    self.broker.kill();
    self.broker.start();
  });
}

void Scenario::kill_postgres() {
  inject([](Scenario& self) {
    self.postgres.stop_immediate();
    self.postgres.start();
  });
}

void Scenario::inject(const std::function<void(Scenario&)>& fault) {
  fault(*this);
  ++faults_;
}

History Scenario::finish() {
  workload.stop();
  // What still waits after the deadline is the checker's to name.
  const bool quiet = test_support::wait_until([&] { return workload.waiting() == 0; });
  if (!quiet) std::cout << "rows still wait; the relay's log:\n" << relay.log() << std::endl;
  History history;
  history.faults = faults_;
  history.window_rows = kWindowRows;
  workload.read_into(history);
  history.logged = read_log(broker.address(), "crash");
  std::cout << history.committed.size() << " rows committed, " << history.logged.size() << " records in the log, "
            << repeated(history) << " repeated, " << faults_ << " faults" << std::endl;
  return history;
}

}  // namespace fault
