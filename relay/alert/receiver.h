// Where notifications go: the log, a webhook.
#pragma once

#include <vector>

#include "common/metrics.h"
#include "relay/alert/alert_state.h"

namespace relay::alert {

class Receiver {
 public:
  virtual ~Receiver() = default;
  // Called on the alerts' thread; must not wait for anything slow.
  virtual void notify(const std::vector<Notification>& notifications) = 0;
};

// One warning a firing alert, one info line a resolved one. Blocks only on stderr.
class LogReceiver final : public Receiver {
 public:
  explicit LogReceiver(common::Metrics& metrics);
  void notify(const std::vector<Notification>& notifications) override;

 private:
  common::Counter& sent_;
};

// outbox_alert_notifications_total of a receiver and a result: "sent", "failed" (refused, or given up), "dropped" (the
// queue was full).
[[nodiscard]] common::Counter& notifications_total(common::Metrics& metrics, const char* receiver, const char* result);

}  // namespace relay::alert
