// One partition's share of the window, and whether it still acknowledges: a partition without a leader must not fill
// the window that all of them share (DESIGN "Order"). Pure. Private to relay/kafka.
#pragma once

#include <chrono>
#include <cstdint>

namespace relay::kafka {

struct ShareLimits {
  int rows_max = 1;
  std::int64_t bytes_max = 1;
  std::chrono::nanoseconds patience{std::chrono::seconds{1}};  // with a share that is full
  std::chrono::nanoseconds silence{std::chrono::seconds{8}};   // with any
};

// How far behind the sink's last acknowledgement a partition's own is before it is called silent. When the whole sink
// is away no partition falls behind, and its rows stay where they are.
inline constexpr std::chrono::nanoseconds kBehind = std::chrono::milliseconds{100};

class PartitionLoad {
 public:
  enum class Takes {
    more,
    later,    // its share is full, but it works
    nothing,  // it acknowledges nothing, and others do: its rows wait elsewhere
  };
  // `sink_works_at`: the last acknowledgement of any partition.
  [[nodiscard]] Takes takes(const ShareLimits& limits, std::chrono::nanoseconds now,
                            std::chrono::nanoseconds sink_works_at) const {
    if (rows_ == 0) return Takes::more;
    const auto behind = sink_works_at - progress_at_;
    if (behind >= limits.silence) return Takes::nothing;
    if (rows_ < limits.rows_max && bytes_ < limits.bytes_max) return Takes::more;
    return behind >= kBehind && now - progress_at_ >= limits.patience ? Takes::nothing : Takes::later;
  }
  void given(std::int64_t bytes, std::chrono::nanoseconds now) {
    if (rows_++ == 0) progress_at_ = now;
    bytes_ += bytes;
  }
  void acknowledged(std::chrono::nanoseconds now) { progress_at_ = now; }
  // Whatever became of it.
  void ended(std::int64_t bytes) {
    --rows_;
    bytes_ -= bytes;
  }

 private:
  int rows_ = 0;
  std::int64_t bytes_ = 0;
  std::chrono::nanoseconds progress_at_{0};  // last acknowledgement, or when it was given something first
};

}  // namespace relay::kafka
