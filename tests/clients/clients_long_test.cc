// The clients that come from PyPI, npm, the Go module proxy and Maven Central; each is skipped, with a reason, where
// its language is not on this machine.
#include "tests/clients/run_client.h"

namespace clients {
namespace {

TEST(ClientsLong, LibrdkafkaNew) { expect_as_in_table("librdkafka 2.16"); }
TEST(ClientsLong, KafkaPython2) { expect_as_in_table("kafka-python 2"); }
TEST(ClientsLong, FranzGo) { expect_as_in_table("franz-go"); }
TEST(ClientsLong, Sarama) { expect_as_in_table("Sarama"); }
TEST(ClientsLong, KafkaGo) { expect_as_in_table("kafka-go"); }
TEST(ClientsLong, Kafkajs) { expect_as_in_table("kafkajs"); }
TEST(ClientsLong, Java28) { expect_as_in_table("Java 2.8"); }
TEST(ClientsLong, Java4) { expect_as_in_table("Java 4"); }
TEST(ClientsLong, JavaTools) { expect_as_in_table("Java tools"); }
TEST(ClientsLong, LibrdkafkaAndJavaInOneGroup) { expect_as_in_table("librdkafka + Java"); }

}  // namespace
}  // namespace clients
