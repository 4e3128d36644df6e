// The product's own programs as a test runs them: on free ports, restarted on the same ones, killed at will.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace test_support {

[[nodiscard]] std::filesystem::path source_dir();                      // $OUTBOX_SOURCE
[[nodiscard]] std::filesystem::path program(const std::string& name);  // $OUTBOX_BIN/<name>

// A started program with its log. Throws common::Error with the log's end when it ends before it is ready.
class Server {
 public:
  [[nodiscard]] std::uint16_t admin_port() const { return admin_port_; }
  [[nodiscard]] bool running() { return process_ && process_->running(); }
  [[nodiscard]] Process& process() { return process_.value(); }
  [[nodiscard]] std::string log() const { return read_file(log_); }
  void signal(int number) { process().signal(number); }
  void kill() { process().kill(); }  // SIGKILL, reaped
  Exit terminate(std::chrono::milliseconds deadline = kDeadline) { return process().terminate(deadline); }

 protected:
  Server();
  void launch(std::vector<std::string> argv);
  // Polls ready() until it holds.
  void wait_ready(const std::function<bool()>& ready);

  TempDir folder_;

 private:
  std::filesystem::path log_;
  std::uint16_t admin_port_;
  std::optional<Process> process_;
};

struct BrokerOptions {
  std::filesystem::path data_dir = {};    // empty: a temporary one that goes with the object
  std::vector<std::string> flags = {};    // appended
  std::filesystem::path executable = {};  // empty: $OUTBOX_BIN/outbox-broker
};

// outbox-broker; runs when the constructor returns.
class BrokerProcess : public Server {
 public:
  explicit BrokerProcess(BrokerOptions options = {});
  void start();  // after kill() or terminate(): same ports, same data
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::filesystem::path data_dir() const { return options_.data_dir; }

 private:
  BrokerOptions options_;
  std::uint16_t port_;
};

struct RelayOptions {
  std::string config = {};                // relay.toml without [admin] and [web], which are added with free ports
  std::filesystem::path executable = {};  // empty: $OUTBOX_BIN/outbox-relay
  std::vector<std::string> flags = {};    // appended
};

// outbox-relay; answers /livez when the constructor returns.
class RelayProcess : public Server {
 public:
  explicit RelayProcess(RelayOptions options);
  void start();  // after kill() or terminate(): same ports, same configuration
  [[nodiscard]] std::uint16_t web_port() const { return web_port_; }
  [[nodiscard]] std::string metrics() const;  // empty when it does not answer

 private:
  RelayOptions options_;
  std::uint16_t web_port_;
};

// `outboxctl <arguments>`; throws common::Error with what it printed unless it ends with 0.
RunResult outboxctl(const std::vector<std::string>& arguments);
// `outboxctl migrate up --dsn <dsn>`
void migrate(const std::string& dsn, const std::vector<std::string>& more = {});

}  // namespace test_support
