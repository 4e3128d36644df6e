// One seed for a whole test program: new in every run, printed, and set again through OUTBOX_SEED. Header only.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace test_support {

[[nodiscard]] inline std::uint64_t seed() {
  static const std::uint64_t chosen = [] {
    const char* given = std::getenv("OUTBOX_SEED");
    const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "OUTBOX_SEED=" << value << " repeats this run's random choices" << std::endl;
    return value;
  }();
  return chosen;
}

}  // namespace test_support
