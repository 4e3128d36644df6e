// Waiting for the thing instead of for a time: polls a condition until it holds or a generous deadline has passed.
#pragma once

#include <chrono>
#include <thread>

namespace test_support {

constexpr std::chrono::seconds kDeadline{60};

// True as soon as condition() is. Polls every 1 ms at first, every 50 ms later. What the condition throws passes
// through.
template <class Condition>
[[nodiscard]] bool wait_until(Condition&& condition, std::chrono::milliseconds deadline = kDeadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::chrono::milliseconds pause{1};
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    std::this_thread::sleep_for(pause);
    if (pause < std::chrono::milliseconds(50)) pause *= 2;
  }
  return true;
}

}  // namespace test_support
