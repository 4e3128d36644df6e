// The clients that are there without downloads beyond scripts/requirements.txt, and the checker that judges them all.
#include "tests/clients/run_client.h"

namespace clients {
namespace {

TEST(Clients, Kcat) { expect_as_in_table("kcat"); }
TEST(Clients, LibrdkafkaOfDebian) { expect_as_in_table("librdkafka 2.0"); }
TEST(Clients, KafkaPython3) { expect_as_in_table("kafka-python 3"); }
TEST(Clients, Aiokafka) { expect_as_in_table("aiokafka"); }

TEST(Clients, CheckerTurnsRedForEveryRule) {
  const std::string script = (test_support::source_dir() / "tests/clients/rebalance_test.py").string();
  const auto result = test_support::run({"/usr/bin/python3", script});
  EXPECT_EQ(result.exit.code, 0) << result.error_output;
}

}  // namespace
}  // namespace clients
