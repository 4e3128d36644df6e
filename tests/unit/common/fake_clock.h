// A clock that stands still until a test moves it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/clock.h"

class FakeClock final : public common::Clock {
 public:
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return std::chrono::nanoseconds(ns_.load()); }
  [[nodiscard]] std::chrono::microseconds wall() const override {
    return std::chrono::seconds(1'800'000'000) + std::chrono::duration_cast<std::chrono::microseconds>(steady());
  }
  void advance(std::chrono::nanoseconds time) { ns_ += time.count(); }

 private:
  std::atomic<std::int64_t> ns_{1'000'000'000};
};
