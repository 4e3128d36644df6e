// Real consumers whose broker is killed and started again on its port: they go on in their generation, without a
// rebalance, and what they committed is there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using test_support::BrokerProcess;

constexpr std::chrono::seconds kLong{240};

// Runs the script, kills and restarts the broker each time it says that its group is stable.
void survives_restarts(std::vector<std::string> interpreter, const std::string& script, int rounds,
                       const std::vector<std::string>& more = {}) {
  BrokerProcess broker;
  const test_support::TempDir folder;
  auto argv = std::move(interpreter);
  argv.push_back((test_support::source_dir() / "tests/integration/broker/clients" / script).string());
  argv.push_back(broker.address());
  argv.push_back(folder.path().string());
  argv.insert(argv.end(), more.begin(), more.end());
  const auto output = folder / "output";
  test_support::Process client(argv, {.output = output});
  for (int round = 1; round <= rounds; ++round) {
    const auto stable = folder / ("stable-" + std::to_string(round));
    ASSERT_TRUE(test_support::wait_until([&] { return std::filesystem::exists(stable) || !client.running(); }, kLong));
    ASSERT_TRUE(client.running()) << test_support::read_file(output) << broker.log();
    broker.kill();
    broker.start();
    const auto ready = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto flag = folder / ("restarted-" + std::to_string(round));
    const auto written = folder / "writing";
    std::ofstream(written) << std::fixed << ready;
    std::filesystem::rename(written, flag);
  }
  const auto exit = client.wait(kLong);
  const auto said = test_support::read_file(output);
  ASSERT_TRUE(exit) << said;
  EXPECT_EQ(exit->code, 0) << said << broker.log();
  std::cout << said;
}

bool has_confluent() { return test_support::run({"/usr/bin/python3", "-c", "import confluent_kafka"}).exit.code == 0; }

TEST(GroupRestart, ConsumersOfConfluentKafkaGoOn) {
  if (!has_confluent()) GTEST_SKIP() << "python3-confluent-kafka is not installed";
  survives_restarts({"/usr/bin/python3"}, "confluent_restart.py", 2);
}

TEST(GroupRestart, StaticConsumersOfConfluentKafkaGoOn) {
  if (!has_confluent()) GTEST_SKIP() << "python3-confluent-kafka is not installed";
  survives_restarts({"/usr/bin/python3"}, "confluent_restart.py", 2, {"static"});
}

TEST(GroupRestart, ConsumersOfKafkaPythonGoOn) {
  const char* venv = std::getenv("OUTBOX_VENV");
  if (venv == nullptr) GTEST_SKIP() << "OUTBOX_VENV names no environment with kafka-python";
  survives_restarts({(std::filesystem::path(venv) / "bin/python").string()}, "kafka_python_restart.py", 1);
}

}  // namespace
}  // namespace broker_tests
