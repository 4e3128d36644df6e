// Implements programs.h.
#include "tests/support/programs.h"

#include <cstdlib>
#include <fstream>
#include <utility>

#include "common/error.h"
#include "tests/support/net.h"

namespace test_support {
namespace {

constexpr std::size_t kLogTailBytes = 4000;

std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw common::Error(std::string(name) + " is not set; run the tests through ctest or ./x test");
  return value;
}

std::string tail(const std::string& text) {
  return text.size() <= kLogTailBytes ? text : text.substr(text.size() - kLogTailBytes);
}

}  // namespace

std::filesystem::path source_dir() { return from_environment("OUTBOX_SOURCE"); }
std::filesystem::path program(const std::string& name) { return from_environment("OUTBOX_BIN") / name; }

Server::Server() : log_(folder_ / "log"), admin_port_(free_port()) {}

void Server::launch(std::vector<std::string> argv) {
  process_.emplace(std::move(argv), ProcessOptions{.environment = {}, .output = log_, .error_output = {}});
}

void Server::wait_ready(const std::function<bool()>& ready) {
  const bool settled = wait_until([&] { return !running() || ready(); });
  if (settled && running()) return;
  const std::string how = settled ? "ended before it was ready" : "is not ready after the deadline";
  kill();
  throw common::Error("the program " + how + "; its log ends:\n" + tail(log()));
}

BrokerProcess::BrokerProcess(BrokerOptions options) : options_(std::move(options)), port_(free_port()) {
  if (options_.data_dir.empty()) options_.data_dir = folder_ / "data";
  if (options_.executable.empty()) options_.executable = program("outbox-broker");
  start();
}

void BrokerProcess::start() {
  std::vector<std::string> argv = {options_.executable.string(),
                                   "--data-dir",
                                   options_.data_dir.string(),
                                   "--listen",
                                   loopback(port_),
                                   "--admin-listen",
                                   loopback(admin_port())};
  argv.insert(argv.end(), options_.flags.begin(), options_.flags.end());
  launch(std::move(argv));
  wait_ready([this] { return can_connect(port_); });
}

std::string BrokerProcess::address() const { return loopback(port_); }

RelayProcess::RelayProcess(RelayOptions options) : options_(std::move(options)), web_port_(free_port()) {
  if (options_.executable.empty()) options_.executable = program("outbox-relay");
  std::ofstream file(folder_ / "relay.toml");
  file << options_.config << "\n[admin]\nlisten = \"" << loopback(admin_port()) << "\"\n[web]\nlisten = \""
       << loopback(web_port_) << "\"\n";
  file.close();
  if (!file) throw common::Error("cannot write " + (folder_ / "relay.toml").string());
  start();
}

void RelayProcess::start() {
  std::vector<std::string> argv = {options_.executable.string(), "--config", (folder_ / "relay.toml").string()};
  argv.insert(argv.end(), options_.flags.begin(), options_.flags.end());
  launch(std::move(argv));
  wait_ready([this] {
    const std::optional<HttpAnswer> answer = http_get(admin_port(), "/livez");
    return answer && answer->status == 200;
  });
}

std::string RelayProcess::metrics() const {
  const std::optional<HttpAnswer> answer = http_get(admin_port(), "/metrics");
  return answer ? answer->body : std::string();
}

RunResult outboxctl(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {program("outboxctl").string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  RunResult result = run(std::move(argv));
  if (result.exit.code != 0) {
    throw common::Error("outboxctl " + (arguments.empty() ? std::string() : arguments.front()) + " ended with " +
                        std::to_string(result.exit.code) + ": " + result.error_output + result.output);
  }
  return result;
}

void migrate(const std::string& dsn, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"migrate", "up", "--dsn", dsn};
  arguments.insert(arguments.end(), more.begin(), more.end());
  outboxctl(arguments);
}

}  // namespace test_support
