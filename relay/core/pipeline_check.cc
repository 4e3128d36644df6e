// Check-backs: which unclear rows are asked about, and what their answers come to (CONTRACTS §3).
#include <algorithm>
#include <utility>

#include "relay/core/pipeline.h"

namespace relay::core {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds kBusyPause{100};
constexpr milliseconds kUnaskedPause{3'600'000};
}  // namespace

int Pipeline::check_slots() const {
  if (now() < checks_busy_until_) return 0;
  return std::max(0, options_.check.in_flight - static_cast<int>(asked_.size()));
}

void Pipeline::prepare_check(Row&& row) {
  TopicMeters& meters = topics_.of(row.topic);
  Asked asked{.history = {.checks = row.checks,
                          .unknown_checks = row.unknown_checks,
                          .since_first_check = row.since_first_check},
              .key = key_of(row.topic, row.key),
              .meters = &meters,
              .at = now()};
  const bool askable = row.msg_log_id && row.msg_log_url && !row.msg_log_id->empty() && !row.msg_log_url->empty();
  if (!askable) {
    // Nobody to ask: it waits for confirm or cancel; somebody should know when that takes too long.
    const auto left = options_.check.budget - duration_cast<milliseconds>(row.age);
    if (left.count() <= 0) {
      alert_row(meters, row.id, "unclear_unasked",
                "Unclear messages without msg_log_id or msg_log_url wait for outbox_confirm or outbox_cancel.");
    }
    asked.answered = true;
    checked_.push_back(Checked{.id = row.id,
                               .result = Checked::Result::ask_again,
                               .asked = false,
                               .fail_msg = {},
                               .ask_in = left.count() > 0 ? std::max(left, options_.check.first) : kUnaskedPause});
    asked_.emplace(row.id.value(), asked);
    return;
  }
  asked_.emplace(row.id.value(), asked);
  to_check_.push_back(std::move(row));
}

std::vector<Row> Pipeline::take_checks() { return std::exchange(to_check_, {}); }

void Pipeline::checks_refused(const std::vector<Row>& rows) {
  for (const Row& row : rows) asked_.erase(row.id.value());
  checks_busy_until_ = now() + kBusyPause;
}

void Pipeline::check_answered(const CheckBackAnswer& answer) {
  const auto found = asked_.find(answer.id.value());
  if (found == asked_.end() || found->second.answered) return;
  Asked& asked = found->second;
  asked.answered = true;
  checks_busy_until_ = Nanoseconds{0};
  CheckHistory history = asked.history;
  if (history.since_first_check.count() >= 0) {
    history.since_first_check += duration_cast<std::chrono::microseconds>(now() - asked.at);
  }
  switch (answer.verdict) {
    case Verdict::committed:
      meters_.check_committed.add();
      break;
    case Verdict::rolled_back:
      meters_.check_rolled_back.add();
      break;
    case Verdict::in_progress:
      meters_.check_in_progress.add();
      break;
    case Verdict::unknown:
      meters_.check_unknown.add();
      break;
    case Verdict::not_allowed:
      alert_row(*asked.meters, answer.id, "check_back_not_allowed",
                "Unclear messages cannot be asked about: " + answer.detail);
      break;
  }
  checked_.push_back(judge_check(options_.check, history, answer));
}

}  // namespace relay::core
