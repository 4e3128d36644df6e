// Which alerts are active and what is to be said about them when: grouping, repeating, resolving. Pure: no thread, no
// clock of its own, no text for a wire.
//
//   raise ──► waiting ──(wait)──► told "firing" ──(repeat)──► told again …
//                │ resolve              │ resolve
//                ▼                      ▼
//             nothing             told "resolved", with duration and rows
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "relay/core/alert_sink.h"
#include "relay/core/status.h"

namespace relay::alert {

struct AlertTimes {
  std::chrono::milliseconds wait{10'000};        // a new alert waits so long for more of its kind
  std::chrono::milliseconds repeat{14'400'000};  // an active one is told again so often
};

// Both of a moment: the first for waiting, the second for people.
struct Now {
  std::chrono::nanoseconds steady{0};
  std::chrono::microseconds wall{0};
};

// One thing to say.
struct Notification {
  core::AlertKey key;
  bool resolved = false;
  std::string message;
  std::int64_t rows = 0;  // concerned since the alert began
  std::chrono::microseconds starts_wall{0};
  std::chrono::microseconds ends_wall{0};  // resolved only
  std::chrono::milliseconds lasted{0};
};

// Not thread-safe; memory is bounded: beyond 1,000 active alerts new ones join their source's under topic "_other".
class AlertState {
 public:
  explicit AlertState(AlertTimes times) : times_(times) {}

  // `message` is cut to 500 characters; the newest one is told.
  void raise(const core::AlertKey& key, const std::string& message, std::int64_t rows, const Now& now);
  void resolve(const core::AlertKey& key, const Now& now);
  // What has become due, resolved ones first, each once. In the order of the keys.
  std::vector<Notification> take_due(std::chrono::nanoseconds steady_now);
  // When take_due will next have something; none: never, as things stand.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> next_due() const;
  // Everything active, told or still waiting, for the page.
  [[nodiscard]] std::vector<core::AlertStatus> active() const;

 private:
  struct Active {
    std::string message;
    std::int64_t rows = 0;
    Now since;
    std::chrono::nanoseconds due{0};
    bool told = false;
  };
  [[nodiscard]] core::AlertKey admitted(const core::AlertKey& key) const;

  AlertTimes times_;
  std::map<core::AlertKey, Active> active_;
  std::vector<Notification> resolved_;  // to be told at the next take_due
};

}  // namespace relay::alert
