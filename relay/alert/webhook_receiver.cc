// The webhook's queue and thread.
#include "relay/alert/webhook_receiver.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "relay/alert/webhook_body.h"

namespace relay::alert {

WebhookReceiver::WebhookReceiver(std::unique_ptr<Poster> poster, std::string origin, const common::Clock& clock,
                                 common::Metrics& metrics, WebhookLimits limits)
    : poster_(std::move(poster)),
      origin_(std::move(origin)),
      clock_(clock),
      limits_(limits),
      sent_(notifications_total(metrics, "webhook", "sent")),
      failed_(notifications_total(metrics, "webhook", "failed")),
      dropped_(notifications_total(metrics, "webhook", "dropped")),
      thread_([this] { run(); }) {}

WebhookReceiver::~WebhookReceiver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  poster_->stop();
  changed_.notify_all();
  thread_.join();
  for (const Waiting& waiting : queue_) dropped_.add(waiting.count);
}

void WebhookReceiver::notify(const std::vector<Notification>& notifications) {
  for (const auto& group : by_source(notifications)) {
    const std::string body = webhook_body(group, "webhook");
    const auto now = clock_.steady();
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= limits_.queue_max) {
      dropped_.add(queue_.front().count);
      queue_.pop_front();
    }
    queue_.push_back({body, group.size(), now, now, limits_.retry_first});
  }
  changed_.notify_all();
}

void WebhookReceiver::poke() {
  {
    const std::lock_guard lock(mutex_);
    ++pokes_;
  }
  changed_.notify_all();
}

void WebhookReceiver::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      continue;
    }
    const auto left = queue_.front().due - clock_.steady();
    if (left > std::chrono::nanoseconds::zero()) {
      const auto pokes = pokes_;
      changed_.wait_for(lock, left, [&] { return stopping_ || pokes != pokes_; });
      continue;
    }
    try_first(lock);
  }
}

void WebhookReceiver::try_first(std::unique_lock<std::mutex>& lock) {
  // Taken out while it is on its way: a full queue must not drop what is being sent.
  Waiting first = std::move(queue_.front());
  queue_.pop_front();
  lock.unlock();
  std::string reason;
  // Waits count from the beginning of an attempt, so that a slow refusal is not paid for twice.
  const auto begun = clock_.steady();
  const PostResult result = poster_->post(first.body, reason);
  const bool done = settled(first, result, reason, begun);
  lock.lock();
  if (!done) queue_.push_front(std::move(first));
}

bool WebhookReceiver::settled(Waiting& first, PostResult result, const std::string& reason,
                              std::chrono::nanoseconds begun) {
  if (result == PostResult::sent) {
    sent_.add(first.count);
    if (failing_) common::log::info("webhook accepts alerts again", {{"address", origin_}});
    failing_ = false;
    return true;
  }
  const bool gone = result == PostResult::refused || begun - first.queued >= limits_.give_up;
  if (gone) {
    failed_.add(first.count);
    common::log::error(
        "webhook did not take an alert",
        {{"address", origin_}, {"reason", reason}, {"next", "check [alert] webhook_url and its receiver"}});
  } else if (!failing_) {
    common::log::warn("webhook fails, alerts wait", {{"address", origin_}, {"reason", reason}});
  }
  failing_ = true;
  first.due = begun + first.wait;
  first.wait = std::min(first.wait * 2, limits_.retry_max);
  return gone;
}

}  // namespace relay::alert
