// The table of topics' settings: what it takes, what it says when it does not.
#include "broker/core/topic_config.h"

#include <gtest/gtest.h>

#include <string>

namespace broker_tests {
namespace {

using broker::core::list_with;
using broker::core::list_without;
using broker::core::refuse_config;

TEST(TopicConfig, TakesItsOwnDefaults) {
  for (const auto& key : broker::core::topic_config_keys()) {
    if (key.kind == broker::core::ConfigKind::read_only) continue;
    EXPECT_EQ(refuse_config(key.name, key.value_default), std::nullopt) << key.name;
  }
}

TEST(TopicConfig, RefusalsNameKeyValueAndWhatWouldDo) {
  EXPECT_EQ(refuse_config("retention.ms", "-2"),
            "retention.ms = '-2': must be a whole number from -1 to 9223372036854775807");
  EXPECT_EQ(refuse_config("message.timestamp.type", "Now"),
            "message.timestamp.type = 'Now': must be CreateTime|LogAppendTime");
  EXPECT_EQ(
      refuse_config("cleanup.policy", "compact"),
      "cleanup.policy = 'compact': must be of delete; this broker does not compact; a topic that needs it belongs "
      "on Apache Kafka");
  EXPECT_EQ(refuse_config("outbox.topic.id", "x"), "outbox.topic.id cannot be set");
  EXPECT_EQ(refuse_config(std::string(5'000, 'k'), "x"), "unknown topic configuration '" + std::string(100, 'k') + "'");
}

TEST(TopicConfig, ListsAreOfTheirItems) {
  EXPECT_EQ(refuse_config("cleanup.policy", "delete"), std::nullopt);
  EXPECT_EQ(refuse_config("cleanup.policy", " delete , delete"), std::nullopt);
  EXPECT_TRUE(refuse_config("cleanup.policy", "delete,compact"));
  EXPECT_TRUE(refuse_config("cleanup.policy", ""));
  EXPECT_TRUE(refuse_config("cleanup.policy", ","));
}

TEST(TopicConfig, ValuesAreBounded) {
  const auto why = refuse_config("cleanup.policy", std::string(10'000, ' ') + "delete");
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("8192"), std::string::npos);
  EXPECT_LT(why->size(), 400U);
}

TEST(TopicConfig, ListsGrowAndShrinkByItems) {
  EXPECT_EQ(list_with("a,b", "b, c"), "a,b,c");
  EXPECT_EQ(list_with("", "c,c"), "c");
  EXPECT_EQ(list_without("a,b,c", "b,x"), "a,c");
  EXPECT_EQ(list_without("a", "a"), "");
}

}  // namespace
}  // namespace broker_tests
