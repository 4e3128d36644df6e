// Alertmanager's webhook body, version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "relay/alert/alert_state.h"

namespace relay::alert {

// The JSON document for notifications of one source; not empty, at most kAlertsPerBody are wanted. A body's status is
// "firing" when one of its alerts is.
//
// Labels: alertname (OutboxDeadMessages of error class "dead_messages"), source, topic when there is one, error_class,
// severity. Annotations: summary, rows, and on the resolved one its duration. Fingerprints are stable over restarts.
[[nodiscard]] std::string webhook_body(std::span<const Notification> notifications, const std::string& receiver);

inline constexpr std::size_t kAlertsPerBody = 100;

// Split by source, and into bodies of at most kAlertsPerBody; order is kept within a source.
[[nodiscard]] std::vector<std::vector<Notification>> by_source(const std::vector<Notification>& notifications);

// "dead_messages" → "OutboxDeadMessages".
[[nodiscard]] std::string alert_name(const std::string& error_class);

}  // namespace relay::alert
