// The webhook's queue: retries that decay, giving up, dropping, and never making a caller wait.
#include "relay/alert/webhook_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/unit/common/fake_clock.h"

using relay::alert::Notification;
using relay::alert::Poster;
using relay::alert::PostResult;
using relay::alert::WebhookLimits;
using relay::alert::WebhookReceiver;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// Answers as the test says; when told to hold, only once it is let go.
class FakePoster final : public Poster {
 public:
  PostResult post(const std::string&, std::string& reason) override {
    std::unique_lock lock(mutex);
    ++posts;
    changed.notify_all();
    changed.wait(lock, [this] { return !hold || stopped; });
    reason = "it said so";
    return result;
  }
  void stop() override {
    const std::lock_guard lock(mutex);
    stopped = true;
    changed.notify_all();
  }
  void set(PostResult next, bool held) {
    const std::lock_guard lock(mutex);
    result = next;
    hold = held;
    changed.notify_all();
  }
  bool await_posts(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(60), [&] { return posts >= wanted; });
  }
  int posted() {
    const std::lock_guard lock(mutex);
    return posts;
  }

  std::mutex mutex;
  std::condition_variable changed;
  PostResult result = PostResult::sent;
  bool hold = false;
  bool stopped = false;
  int posts = 0;
};

struct WebhookReceiverTest : testing::Test {
  FakeClock clock;
  common::Metrics metrics;
  FakePoster* poster = nullptr;

  std::unique_ptr<WebhookReceiver> make(WebhookLimits limits = {}) {
    auto owned = std::make_unique<FakePoster>();
    poster = owned.get();
    return std::make_unique<WebhookReceiver>(std::move(owned), "http://a:80", clock, metrics, limits);
  }
  std::uint64_t total(const char* result) {
    return relay::alert::notifications_total(metrics, "webhook", result).value();
  }
  bool await_total(const char* result, std::uint64_t wanted) {
    const auto end = std::chrono::steady_clock::now() + seconds(60);
    while (total(result) != wanted && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return total(result) == wanted;
  }
};

std::vector<Notification> one() {
  Notification notification;
  notification.key = {"shop", "orders", "dead_messages"};
  return {notification};
}

}  // namespace

TEST_F(WebhookReceiverTest, SendsAndCounts) {
  const auto receiver = make();
  receiver->notify(one());
  receiver->notify(one());
  EXPECT_TRUE(await_total("sent", 2));
}

TEST_F(WebhookReceiverTest, TriesAgainAfterEverLongerWaits) {
  const auto receiver = make({.retry_first = seconds(1), .retry_max = seconds(3)});
  poster->set(PostResult::again, false);
  receiver->notify(one());
  ASSERT_TRUE(poster->await_posts(1));
  int posts = 1;
  for (const seconds wait : {seconds(1), seconds(2), seconds(3), seconds(3)}) {
    clock.advance(wait);
    receiver->poke();
    ASSERT_TRUE(poster->await_posts(++posts));
  }
  poster->set(PostResult::sent, false);
  clock.advance(seconds(3));
  receiver->poke();
  EXPECT_TRUE(await_total("sent", 1));
  EXPECT_EQ(poster->posted(), 6);
}

TEST_F(WebhookReceiverTest, GivesUpInTheEnd) {
  const auto receiver = make({.give_up = seconds(5)});
  poster->set(PostResult::again, false);
  receiver->notify(one());
  ASSERT_TRUE(poster->await_posts(1));
  clock.advance(seconds(6));
  receiver->poke();
  EXPECT_TRUE(await_total("failed", 1));
}

TEST_F(WebhookReceiverTest, DoesNotRepeatWhatWasRefused) {
  const auto receiver = make();
  poster->set(PostResult::refused, false);
  receiver->notify(one());
  EXPECT_TRUE(await_total("failed", 1));
  poster->set(PostResult::sent, false);
  receiver->notify(one());
  EXPECT_TRUE(await_total("sent", 1));
  EXPECT_EQ(poster->posted(), 2);
}

TEST_F(WebhookReceiverTest, DropsTheOldestAndNeverMakesACallerWait) {
  auto receiver = make({.queue_max = 2});
  poster->set(PostResult::sent, true);
  receiver->notify(one());
  ASSERT_TRUE(poster->await_posts(1));
  for (int i = 0; i < 5; ++i) receiver->notify(one());
  EXPECT_EQ(total("dropped"), 3U);
  poster->set(PostResult::sent, false);
  EXPECT_TRUE(await_total("sent", 3));
}

TEST_F(WebhookReceiverTest, EndsAlthoughThePostHangs) {
  auto receiver = make();
  poster->set(PostResult::again, true);
  receiver->notify(one());
  receiver->notify(one());
  ASSERT_TRUE(poster->await_posts(1));
  receiver.reset();
  EXPECT_EQ(total("dropped"), 2U);
}
