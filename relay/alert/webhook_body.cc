// Notifications → the JSON that Alertmanager's receivers understand.
#include "relay/alert/webhook_body.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "common/text.h"
#include "common/units.h"

namespace relay::alert {
namespace {

using nlohmann::json;
using Labels = std::map<std::string, std::string>;

// What Alertmanager sends for "not ended".
constexpr const char* kNoTime = "0001-01-01T00:00:00Z";

// RFC 3339 UTC with milliseconds.
std::string time_text(std::chrono::microseconds wall) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(wall).count();
  const std::time_t seconds =
      static_cast<std::time_t>(milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(milliseconds - seconds * 1000));
  return text.data();
}

Labels labels_of(const core::AlertKey& key) {
  Labels labels = {{"alertname", alert_name(key.error_class)},
                   {"error_class", common::valid_utf8(key.error_class)},
                   {"severity", "warning"},
                   {"source", common::valid_utf8(key.source)}};
  if (!key.topic.empty()) labels["topic"] = common::valid_utf8(key.topic);
  return labels;
}

// FNV-1a of the sorted labels: the same alert has the same fingerprint for ever.
std::string fingerprint(const Labels& labels) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto mix = [&hash](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xFFU) * 1099511628211ULL;
  };
  for (const auto& [name, value] : labels) {
    mix(name);
    mix(value);
  }
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

// What all maps say alike.
Labels common_part(const std::vector<Labels>& all) {
  Labels out = all.front();
  for (const Labels& labels : all) {
    std::erase_if(out, [&](const auto& entry) {
      const auto found = labels.find(entry.first);
      return found == labels.end() || found->second != entry.second;
    });
  }
  return out;
}

Labels annotations_of(const Notification& notification) {
  Labels out = {{"summary", common::valid_utf8(notification.message)}, {"rows", std::to_string(notification.rows)}};
  if (notification.resolved) out["duration"] = common::format_duration(notification.lasted);
  return out;
}

}  // namespace

std::string alert_name(const std::string& error_class) {
  std::string out = "Outbox";
  bool capital = true;
  for (const char c : error_class) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool word = lower || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word) out += capital && lower ? static_cast<char>(c - 'a' + 'A') : c;
    capital = !word;
  }
  return out;
}

std::vector<std::vector<Notification>> by_source(const std::vector<Notification>& notifications) {
  std::map<std::string, std::vector<std::vector<Notification>>> groups;
  for (const Notification& notification : notifications) {
    auto& bodies = groups[notification.key.source];
    if (bodies.empty() || bodies.back().size() >= kAlertsPerBody) bodies.emplace_back();
    bodies.back().push_back(notification);
  }
  std::vector<std::vector<Notification>> out;
  for (auto& [source, bodies] : groups) {
    for (auto& body : bodies) out.push_back(std::move(body));
  }
  return out;
}

std::string webhook_body(std::span<const Notification> notifications, const std::string& receiver) {
  json alerts = json::array();
  std::vector<Labels> labels;
  std::vector<Labels> annotations;
  bool firing = false;
  for (const Notification& notification : notifications) {
    labels.push_back(labels_of(notification.key));
    annotations.push_back(annotations_of(notification));
    firing = firing || !notification.resolved;
    alerts.push_back({{"status", notification.resolved ? "resolved" : "firing"},
                      {"labels", labels.back()},
                      {"annotations", annotations.back()},
                      {"startsAt", time_text(notification.starts_wall)},
                      {"endsAt", notification.resolved ? time_text(notification.ends_wall) : kNoTime},
                      {"generatorURL", ""},
                      {"fingerprint", fingerprint(labels.back())}});
  }
  const std::string source = labels.front().at("source");
  const json body = {{"version", "4"},
                     {"groupKey", "{}:{source=\"" + source + "\"}"},
                     {"truncatedAlerts", 0},
                     {"status", firing ? "firing" : "resolved"},
                     {"receiver", receiver},
                     {"groupLabels", {{"source", source}}},
                     {"commonLabels", common_part(labels)},
                     {"commonAnnotations", common_part(annotations)},
                     {"externalURL", ""},
                     {"alerts", std::move(alerts)}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace relay::alert
