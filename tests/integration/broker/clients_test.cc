// Real clients, as users have them: kcat, librdkafka through Debian's confluent-kafka, kafka-python.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using test_support::BrokerProcess;
using test_support::run;

constexpr std::chrono::seconds kLong{200};

std::string script(const std::string& name) {
  return (test_support::source_dir() / "tests/integration/broker/clients" / name).string();
}

TEST(Clients, KcatProducesAndConsumesInAGroup) {
  BrokerProcess broker;
  test_support::TempDir folder;
  const auto file = folder / "lines";
  {
    std::ofstream lines(file);
    for (int i = 0; i < 1'000; ++i) lines << "key" << i % 10 << ":line" << i << '\n';
  }
  const auto kcat = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"kcat", "-b", broker.address()});
    return run(flags, {}, kLong);
  };
  for (const auto* extra : {"acks=all", "enable.idempotence=true", "compression.codec=lz4"}) {
    EXPECT_EQ(kcat({"-P", "-t", "t", "-K:", "-X", extra, "-l", file.string()}).exit.code, 0) << extra;
  }
  const auto all = kcat({"-C", "-t", "t", "-e", "-q", "-o", "beginning"});
  EXPECT_EQ(all.exit.code, 0);
  EXPECT_EQ(std::ranges::count(all.output, '\n'), 3'000);
  broker.kill();
  broker.start();
  const auto group = kcat({"-G", "g", "-c", "3000", "-q", "-X", "auto.offset.reset=earliest", "t"});
  EXPECT_EQ(group.exit.code, 0);
  EXPECT_EQ(std::ranges::count(group.output, '\n'), 3'000);
}

TEST(Clients, ConfluentKafkaFromDebian) {
  if (run({"/usr/bin/python3", "-c", "import confluent_kafka"}).exit.code != 0) {
    GTEST_SKIP() << "python3-confluent-kafka is not installed";
  }
  BrokerProcess broker;
  const auto result = run({"/usr/bin/python3", script("confluent_group.py"), broker.address()}, {}, kLong);
  EXPECT_EQ(result.exit.code, 0) << result.output << result.error_output << broker.log();
}

TEST(Clients, KafkaPython) {
  const char* venv = std::getenv("OUTBOX_VENV");
  if (venv == nullptr) GTEST_SKIP() << "OUTBOX_VENV names no environment with kafka-python";
  BrokerProcess broker;
  const auto python = (std::filesystem::path(venv) / "bin/python").string();
  const auto result = run({python, script("kafka_python_group.py"), broker.address()}, {}, kLong);
  EXPECT_EQ(result.exit.code, 0) << result.output << result.error_output << broker.log();
}

}  // namespace
}  // namespace broker_tests
