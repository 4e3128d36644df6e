// Takes an input apart. Past its end everything is zero or empty, so that every input means something.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tests/fuzz/target.h"

namespace fuzz {

class Input {
 public:
  explicit Input(Bytes bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] Bytes take(std::size_t count) {
    const Bytes taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  // Little-endian, as the machine's.
  template <class T>
  [[nodiscard]] T number() {
    T value{};
    const Bytes taken = take(sizeof value);
    if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
    return value;
  }

 private:
  Bytes rest_;
};

}  // namespace fuzz
