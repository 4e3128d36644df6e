// See schedule.h.
#include "relay/core/schedule.h"

#include <algorithm>
#include <cmath>

#include "relay/core/key_hash.h"

namespace relay::core {

namespace {

constexpr std::chrono::nanoseconds kOutageStep = std::chrono::milliseconds{20};

std::chrono::milliseconds grown(std::chrono::milliseconds first, double factor, std::chrono::milliseconds max,
                                int steps) {
  const double wait = static_cast<double>(first.count()) * std::pow(factor, std::min(steps, 1000));
  if (!(wait < static_cast<double>(max.count()))) return max;
  return std::chrono::milliseconds{static_cast<std::int64_t>(wait)};
}

}  // namespace

double Dice::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return static_cast<double>(mix_bits(state_) >> 11) * 0x1.0p-53;
}

std::chrono::milliseconds retry_wait(const RetryOptions& options, int failures, Dice& dice) {
  const auto wait = grown(options.first, options.factor, options.max, std::max(failures, 1) - 1);
  const double share = 1 + options.jitter * (2 * dice.next() - 1);
  return std::chrono::milliseconds{static_cast<std::int64_t>(static_cast<double>(wait.count()) * share)};
}

std::chrono::nanoseconds outage_pause(int failures, std::chrono::nanoseconds max) {
  return std::min(kOutageStep * std::max(failures - 1, 0), max);
}

Checked judge_check(const CheckOptions& options, const CheckHistory& history, const CheckBackAnswer& answer) {
  Checked checked{.id = answer.id, .fail_msg = answer.detail, .checks_before = history.checks};
  if (answer.verdict == Verdict::committed || answer.verdict == Verdict::rolled_back) {
    checked.result = answer.verdict == Verdict::committed ? Checked::Result::committed : Checked::Result::rolled_back;
    checked.fail_msg.clear();
    return checked;
  }
  if (answer.verdict == Verdict::not_allowed) {
    checked.asked = false;
    checked.checks_before = -1;
    checked.ask_in = options.max;
    return checked;
  }
  checked.unknown = answer.verdict == Verdict::unknown;
  const bool limit_spent = checked.unknown && history.unknown_checks + 1 >= options.limit;
  const bool budget_spent = history.since_first_check >= options.budget;
  if (limit_spent || budget_spent) {
    checked.result = Checked::Result::parked;
    checked.fail_msg = "check-back unresolved: " + answer.detail;
    return checked;
  }
  // The first check was made after `first`; the next ones are that much apart, growing.
  checked.ask_in = grown(options.first, options.factor, options.max, history.checks);
  return checked;
}

}  // namespace relay::core
