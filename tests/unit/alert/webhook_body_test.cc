// Alertmanager's v4 body.
#include "relay/alert/webhook_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using nlohmann::json;
using relay::alert::Notification;
using std::chrono::microseconds;
using std::chrono::seconds;
using testing::SizeIs;

namespace {

Notification firing(const std::string& source, const std::string& topic) {
  Notification notification;
  notification.key = {source, topic, "dead_messages"};
  notification.message = "3 rows are dead";
  notification.rows = 3;
  notification.starts_wall = seconds(1'800'000'000) + microseconds(123'456);
  return notification;
}

Notification resolved(const std::string& source, const std::string& topic) {
  Notification notification = firing(source, topic);
  notification.resolved = true;
  notification.ends_wall = seconds(1'800'000'090);
  notification.lasted = seconds(90);
  return notification;
}

}  // namespace

TEST(WebhookBody, HasEveryMemberOfVersion4) {
  const std::vector<Notification> both = {firing("shop", "orders"), resolved("shop", "")};
  const json body = json::parse(relay::alert::webhook_body(both, "webhook"));
  EXPECT_EQ(body["version"], "4");
  EXPECT_EQ(body["groupKey"], "{}:{source=\"shop\"}");
  EXPECT_EQ(body["status"], "firing");
  EXPECT_EQ(body["receiver"], "webhook");
  EXPECT_EQ(body["truncatedAlerts"], 0);
  EXPECT_EQ(body["externalURL"], "");
  EXPECT_EQ(body["groupLabels"], (json{{"source", "shop"}}));
  EXPECT_EQ(body["commonLabels"], (json{{"alertname", "OutboxDeadMessages"},
                                        {"error_class", "dead_messages"},
                                        {"severity", "warning"},
                                        {"source", "shop"}}));
  EXPECT_EQ(body["commonAnnotations"], (json{{"rows", "3"}, {"summary", "3 rows are dead"}}));
  const json& first = body["alerts"][0];
  EXPECT_EQ(first["status"], "firing");
  EXPECT_EQ(first["labels"]["topic"], "orders");
  EXPECT_EQ(first["startsAt"], "2027-01-15T08:00:00.123Z");
  EXPECT_EQ(first["endsAt"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(first["generatorURL"], "");
  const json& second = body["alerts"][1];
  EXPECT_EQ(second["status"], "resolved");
  EXPECT_FALSE(second["labels"].contains("topic"));
  EXPECT_EQ(second["endsAt"], "2027-01-15T08:01:30.000Z");
  EXPECT_EQ(second["annotations"]["duration"], "1m30s");
}

TEST(WebhookBody, IsResolvedWhenAllAre) {
  const std::vector<Notification> one = {resolved("shop", "orders")};
  EXPECT_EQ(json::parse(relay::alert::webhook_body(one, "webhook"))["status"], "resolved");
}

TEST(WebhookBody, NamesTheSameAlertAlike) {
  const std::vector<Notification> all = {firing("shop", "orders"), resolved("shop", "orders"),
                                         firing("shop", "points")};
  const json alerts = json::parse(relay::alert::webhook_body(all, "webhook"))["alerts"];
  EXPECT_EQ(alerts[0]["fingerprint"], alerts[1]["fingerprint"]);
  EXPECT_NE(alerts[0]["fingerprint"], alerts[2]["fingerprint"]);
  EXPECT_THAT(alerts[0]["fingerprint"].get<std::string>(), SizeIs(16));
}

TEST(WebhookBody, IsJsonWhateverTheMessageSays) {
  Notification odd = firing("shop", "a\"\n\xFF");
  odd.message = "\xC3\x28 \"quoted\" \x01";
  const std::vector<Notification> one = {odd};
  EXPECT_TRUE(json::accept(relay::alert::webhook_body(one, "webhook")));
}

TEST(WebhookBody, IsSplitBySourceAndSize) {
  std::vector<Notification> many(150, firing("shop", "orders"));
  many.push_back(firing("stock", "orders"));
  const auto groups = relay::alert::by_source(many);
  ASSERT_THAT(groups, SizeIs(3));
  EXPECT_THAT(groups[0], SizeIs(100));
  EXPECT_THAT(groups[1], SizeIs(50));
  EXPECT_EQ(groups[2][0].key.source, "stock");
}

TEST(WebhookBody, MakesNamesOfErrorClasses) {
  EXPECT_EQ(relay::alert::alert_name("dead_messages"), "OutboxDeadMessages");
  EXPECT_EQ(relay::alert::alert_name("sink-unreachable 2"), "OutboxSinkUnreachable2");
  EXPECT_EQ(relay::alert::alert_name(""), "Outbox");
}
