// Between the core, which says what is wrong, and the receivers, which tell people.
#include "relay/alert/alerts.h"

#include <utility>

#include "common/error.h"
#include "common/url.h"
#include "relay/alert/webhook_receiver.h"

namespace relay::alert {

Alerts::Alerts(AlertTimes times, std::vector<std::unique_ptr<Receiver>> receivers, const common::Clock& clock)
    : clock_(clock), receivers_(std::move(receivers)), state_(times), thread_([this] { run(); }) {}

Alerts::~Alerts() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Alerts::raise(const core::AlertKey& key, const std::string& message, std::int64_t rows) {
  {
    const std::lock_guard lock(mutex_);
    state_.raise(key, message, rows, now());
    ++changes_;
  }
  changed_.notify_all();
}

void Alerts::resolve(const core::AlertKey& key) {
  {
    const std::lock_guard lock(mutex_);
    state_.resolve(key, now());
    ++changes_;
  }
  changed_.notify_all();
}

std::vector<core::AlertStatus> Alerts::active() const {
  const std::lock_guard lock(mutex_);
  return state_.active();
}

void Alerts::poke() {
  {
    const std::lock_guard lock(mutex_);
    ++changes_;
  }
  changed_.notify_all();
}

void Alerts::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto steady = clock_.steady();
    const std::vector<Notification> due = state_.take_due(steady);
    if (!due.empty()) {
      // Callers must not wait for a receiver.
      lock.unlock();
      for (const auto& receiver : receivers_) receiver->notify(due);
      lock.lock();
      continue;
    }
    const auto seen = changes_;
    const auto woken = [&] { return stopping_ || changes_ != seen; };
    if (const auto next = state_.next_due()) {
      changed_.wait_for(lock, *next - steady, woken);
    } else {
      changed_.wait(lock, woken);
    }
  }
}

std::unique_ptr<Alerts> make_alerts(AlertTimes times, const std::string& webhook_url, const common::Clock& clock,
                                    common::Metrics& metrics) {
  std::vector<std::unique_ptr<Receiver>> receivers;
  receivers.push_back(std::make_unique<LogReceiver>(metrics));
  if (!webhook_url.empty()) {
    const auto url = common::parse_url(webhook_url);
    if (!url) throw common::Error("[alert] webhook_url: " + url.problem, false, common::ExitCode::configuration);
    WebhookLimits limits;
    limits.give_up = times.repeat;
    receivers.push_back(
        std::make_unique<WebhookReceiver>(make_http_poster(*url), url->origin(), clock, metrics, limits));
  }
  return std::make_unique<Alerts>(times, std::move(receivers), clock);
}

}  // namespace relay::alert
