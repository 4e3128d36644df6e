// See lease_guard.h and DESIGN "Own".
#include "relay/core/lease_guard.h"

namespace relay::core {

void LeaseGuard::acquired(Epoch epoch, std::chrono::nanoseconds started) {
  const std::scoped_lock lock(mutex_);
  epoch_ = epoch;
  renewed_at_ = started;
}

void LeaseGuard::renewed(std::chrono::nanoseconds started) {
  const std::scoped_lock lock(mutex_);
  if (epoch_) renewed_at_ = started;
}

void LeaseGuard::lost() {
  const std::scoped_lock lock(mutex_);
  epoch_.reset();
}

std::optional<Epoch> LeaseGuard::epoch() const {
  const std::scoped_lock lock(mutex_);
  return epoch_;
}

bool LeaseGuard::may_feed(std::chrono::nanoseconds now) const {
  const std::scoped_lock lock(mutex_);
  return epoch_ && now - renewed_at_ < ttl_ / 2;
}

bool LeaseGuard::must_cut(std::chrono::nanoseconds now) const {
  const std::scoped_lock lock(mutex_);
  return epoch_ && now - renewed_at_ >= ttl_ * 2 / 3;
}

bool LeaseWatch::may_take(const LeaseView& view, std::chrono::nanoseconds received) {
  if (view.owner.empty() || view.owner == owner_) return true;
  if (!seen_ || *seen_ != view) {
    seen_ = view;
    seen_at_ = received;
    return false;
  }
  return received - seen_at_ >= ttl_;
}

}  // namespace relay::core
