// What a user may set in [sink.properties], and that librdkafka takes what we set.
#include "relay/kafka/properties.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "relay/kafka/producer_conf.h"

namespace relay::kafka {
namespace {

PublisherConfig config_with(std::string name, std::string value) {
  PublisherConfig config;
  config.source = "shop";
  config.bootstrap_servers = "127.0.0.1:9092";
  config.properties = {{std::move(name), std::move(value)}};
  return config;
}

std::string get(const Conf& conf, const char* name) {
  char value[256] = "";
  std::size_t size = sizeof value;
  return rd_kafka_conf_get(conf.get(), name, value, &size) == RD_KAFKA_CONF_OK ? value : "(none)";
}

TEST(Properties, PipelinedProducerKeepsOrder) {
  const Conf conf = make_conf(config_with("linger.ms", "3"), ClientKind::pipelined, BatchBytes(8192), core::Epoch(7));
  EXPECT_EQ(get(conf, "client.id"), "outbox/shop/7");
  EXPECT_EQ(get(conf, "enable.idempotence"), "true");
  EXPECT_EQ(get(conf, "enable.gapless.guarantee"), "true");
  EXPECT_EQ(get(conf, "max.in.flight"), "5");
  EXPECT_EQ(get(conf, "batch.size"), "8192");
  EXPECT_EQ(get(conf, "linger.ms"), "3");
}

TEST(Properties, SingleProducerSurvivesARefusal) {
  const Conf conf = make_conf(config_with("linger.ms", "3"), ClientKind::single, BatchBytes(0), core::Epoch(7));
  EXPECT_EQ(get(conf, "enable.gapless.guarantee"), "false");
  EXPECT_EQ(get(conf, "max.in.flight"), "1");
}

TEST(Properties, OwnedPropertyIsRefusedWithItsReason) {
  try {
    (void)make_conf(config_with("acks", "1"), ClientKind::pipelined, BatchBytes(8192), core::Epoch(1));
    FAIL() << "acks is ours";
  } catch (const common::Error& error) {
    EXPECT_EQ(error.exit_code(), common::ExitCode::configuration);
    EXPECT_NE(std::string(error.what()).find("acks is the relay's own"), std::string::npos) << error.what();
  }
}

TEST(Properties, RefusedValueIsNotRepeated) {
  try {
    (void)make_conf(config_with("sasl.mechanism.password", "hunter2"), ClientKind::pipelined, BatchBytes(8192),
                    core::Epoch(1));
    FAIL() << "no such property";
  } catch (const common::Error& error) {
    EXPECT_NE(std::string(error.what()).find("sasl.mechanism.password"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos) << error.what();
  }
}

TEST(Properties, CompressionIsSeen) {
  EXPECT_TRUE(compresses(config_with("compression.codec", "lz4")));
  EXPECT_FALSE(compresses(config_with("compression.codec", "none")));
  EXPECT_FALSE(compresses(config_with("linger.ms", "1")));
}

}  // namespace
}  // namespace relay::kafka
