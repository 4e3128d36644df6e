// The life of an alert.
#include "relay/alert/alert_state.h"

#include <algorithm>
#include <utility>

namespace relay::alert {
namespace {

constexpr std::size_t kActiveMax = 1000;
constexpr std::size_t kResolvedMax = 1000;
constexpr std::size_t kMessageBytesMax = 500;

// Cut where no character is cut through.
std::string cut(const std::string& message) {
  if (message.size() <= kMessageBytesMax) return message;
  std::size_t end = kMessageBytesMax;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80U) --end;
  return message.substr(0, end) + "…";
}

}  // namespace

core::AlertKey AlertState::admitted(const core::AlertKey& key) const {
  if (active_.size() < kActiveMax || active_.contains(key)) return key;
  return {key.source, "_other", "other"};
}

void AlertState::raise(const core::AlertKey& key, const std::string& message, std::int64_t rows, const Now& now) {
  const auto [entry, fresh] = active_.try_emplace(admitted(key));
  Active& alert = entry->second;
  if (fresh) {
    alert.since = now;
    alert.due = now.steady + times_.wait;
  }
  alert.message = cut(message);
  alert.rows += std::max<std::int64_t>(0, rows);
}

void AlertState::resolve(const core::AlertKey& key, const Now& now) {
  const auto found = active_.find(key);
  if (found == active_.end()) return;
  const Active& alert = found->second;
  // What nobody was told of needs no all-clear.
  if (alert.told && resolved_.size() < kResolvedMax) {
    const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - alert.since.steady);
    resolved_.push_back({key, true, alert.message, alert.rows, alert.since.wall, now.wall, lasted});
  }
  active_.erase(found);
}

std::vector<Notification> AlertState::take_due(std::chrono::nanoseconds steady_now) {
  std::vector<Notification> due = std::exchange(resolved_, {});
  for (auto& [key, alert] : active_) {
    if (alert.due > steady_now) continue;
    const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(steady_now - alert.since.steady);
    due.push_back({key, false, alert.message, alert.rows, alert.since.wall, {}, lasted});
    alert.told = true;
    alert.due = steady_now + times_.repeat;
  }
  return due;
}

std::optional<std::chrono::nanoseconds> AlertState::next_due() const {
  if (!resolved_.empty()) return std::chrono::nanoseconds::min();
  std::optional<std::chrono::nanoseconds> next;
  for (const auto& [key, alert] : active_) next = next ? std::min(*next, alert.due) : alert.due;
  return next;
}

std::vector<core::AlertStatus> AlertState::active() const {
  std::vector<core::AlertStatus> out;
  out.reserve(active_.size());
  for (const auto& [key, alert] : active_) {
    out.push_back({key.source, key.topic, key.error_class, alert.message, alert.rows, alert.since.wall});
  }
  return out;
}

}  // namespace relay::alert
