// Alerts as log lines.
#include "common/log.h"
#include "common/units.h"
#include "relay/alert/receiver.h"

namespace relay::alert {

common::Counter& notifications_total(common::Metrics& metrics, const char* receiver, const char* result) {
  return metrics.counter("outbox_alert_notifications_total", "Notifications of alerts, by receiver and result.",
                         {{"receiver", receiver}, {"result", result}});
}

LogReceiver::LogReceiver(common::Metrics& metrics) : sent_(notifications_total(metrics, "log", "sent")) {}

void LogReceiver::notify(const std::vector<Notification>& notifications) {
  for (const Notification& notification : notifications) {
    const auto& [source, topic, error_class] = notification.key;
    const std::string lasted = common::format_duration(notification.lasted);
    if (notification.resolved) {
      common::log::info("alert resolved", {{"source", source},
                                           {"topic", topic},
                                           {"error_class", error_class},
                                           {"rows", notification.rows},
                                           {"lasted", lasted}});
    } else {
      common::log::warn("alert", {{"source", source},
                                  {"topic", topic},
                                  {"error_class", error_class},
                                  {"rows", notification.rows},
                                  {"since", lasted},
                                  {"message", notification.message}});
    }
    sent_.add();
  }
}

}  // namespace relay::alert
