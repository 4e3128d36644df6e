// How long one frame may take to come in, or answers to go out: a peer that is silent, and one that trickles, give up
// their place in the end. Pure; time is handed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace broker::net {

using Time = std::chrono::nanoseconds;  // of Clock::steady()

struct Patience {
  Time stall{};                    // without a byte
  std::size_t rate_min_bytes = 1;  // a second; the whole may take `stall` and its bytes at this rate
};

class Transfer {
 public:
  // `bytes`: of the whole, as far as it is known.
  void begin(Time now, std::size_t bytes = 0) {
    under_way_ = true;
    begun_ = moved_ = now;
    bytes_ = bytes;
  }
  void expect(std::size_t bytes) { bytes_ = bytes; }
  void moved(Time now) { moved_ = now; }
  // The peer had to wait for us from `since` on: that is not its time.
  void waited_for_us(Time since, Time now) {
    begun_ += now - since;
    moved_ = now;
  }
  void end() { under_way_ = false; }

  [[nodiscard]] bool under_way() const { return under_way_; }
  [[nodiscard]] bool overdue(Time now, const Patience& patience) const {
    if (!under_way_) return false;
    const auto at_rate = std::chrono::milliseconds(bytes_ * 1'000 / patience.rate_min_bytes);
    return now - moved_ > patience.stall || now - begun_ > patience.stall + at_rate;
  }

 private:
  bool under_way_ = false;
  std::size_t bytes_ = 0;
  Time begun_{};
  Time moved_{};
};

}  // namespace broker::net
