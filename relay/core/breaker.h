// Whether something that failed as a whole (the sink, a topic) may be fed again. Pure.
//
// closed → (failure) → open for a pause → one real row as the probe → closed, or open again with a longer pause.
#pragma once

#include <chrono>

namespace relay::core {

class Breaker {
 public:
  Breaker(std::chrono::nanoseconds first_pause, std::chrono::nanoseconds max_pause)
      : first_pause_(first_pause), max_pause_(max_pause), pause_(first_pause) {}

  [[nodiscard]] bool closed() const { return state_ == State::closed; }
  // How many rows may go out now: all of them, one, or none.
  enum class Allows { all, one, none };
  [[nodiscard]] Allows allows(std::chrono::nanoseconds now) const {
    if (state_ == State::closed) return Allows::all;
    if (state_ == State::open && now >= open_until_) return Allows::one;
    return Allows::none;
  }
  void probe_sent() {
    if (state_ == State::open) state_ = State::probing;
  }
  // The probe came to nothing that says anything about the sink (cut for another reason, refused for itself).
  void probe_lost() {
    if (state_ == State::probing) state_ = State::open;
  }
  void failed(std::chrono::nanoseconds now) {
    open_until_ = now + pause_;
    pause_ = pause_ * 2 < max_pause_ ? pause_ * 2 : max_pause_;
    state_ = State::open;
  }
  void succeeded() {
    state_ = State::closed;
    pause_ = first_pause_;
  }

 private:
  enum class State { closed, open, probing };
  State state_ = State::closed;
  std::chrono::nanoseconds first_pause_;
  std::chrono::nanoseconds max_pause_;
  std::chrono::nanoseconds pause_;
  std::chrono::nanoseconds open_until_{0};
};

}  // namespace relay::core
