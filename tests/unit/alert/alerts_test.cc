// Alerts as the core meets them: raised from any thread, told in their time.
#include "relay/alert/alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/unit/common/fake_clock.h"

using relay::alert::Alerts;
using relay::alert::Notification;
using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

namespace {

struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Notification> all;

  bool await(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(60), [&] { return all.size() >= count; });
  }
};

class TellingReceiver final : public relay::alert::Receiver {
 public:
  explicit TellingReceiver(Told& told) : told_(told) {}
  void notify(const std::vector<Notification>& notifications) override {
    const std::lock_guard lock(told_.mutex);
    told_.all.insert(told_.all.end(), notifications.begin(), notifications.end());
    told_.changed.notify_all();
  }

 private:
  Told& told_;
};

}  // namespace

TEST(Alerts, AreToldInTheirTime) {
  FakeClock clock;
  Told told;
  std::vector<std::unique_ptr<relay::alert::Receiver>> receivers;
  receivers.push_back(std::make_unique<TellingReceiver>(told));
  Alerts alerts({seconds(10), hours(4)}, std::move(receivers), clock);
  const relay::core::AlertKey key{"shop", "orders", "dead_messages"};
  alerts.raise(key, "one is dead", 1);
  EXPECT_THAT(alerts.active(), SizeIs(1));
  EXPECT_THAT(told.all, SizeIs(0));
  clock.advance(seconds(10));
  alerts.poke();
  ASSERT_TRUE(told.await(1));
  alerts.resolve(key);
  ASSERT_TRUE(told.await(2));
  EXPECT_TRUE(told.all[1].resolved);
  EXPECT_THAT(alerts.active(), SizeIs(0));
}

TEST(Alerts, GoToTheLogWithoutTheWebhooksSecrets) {
  const common::SystemClock clock;
  common::Metrics metrics;
  testing::internal::CaptureStderr();
  {
    const auto alerts = relay::alert::make_alerts({seconds(0), hours(4)}, "http://u:geheim@127.0.0.1:1/geheim?t=geheim",
                                                  clock, metrics);
    alerts->raise({"shop", "", "sink_unreachable"}, "the sink is away", 0);
    auto& sent = relay::alert::notifications_total(metrics, "log", "sent");
    const auto end = std::chrono::steady_clock::now() + seconds(60);
    while (sent.value() == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("the sink is away"));
  EXPECT_THAT(text, Not(HasSubstr("geheim")));
  EXPECT_THAT(metrics.render(), HasSubstr("outbox_alert_notifications_total{receiver=\"log\",result=\"sent\"} 1\n"));
}

TEST(Alerts, RefuseAWebhookThatIsNoUrl) {
  const common::SystemClock clock;
  common::Metrics metrics;
  EXPECT_THROW((void)relay::alert::make_alerts({}, "nonsense", clock, metrics), common::Error);
}
