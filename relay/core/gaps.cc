// See gaps.h.
#include "relay/core/gaps.h"

#include <algorithm>
#include <limits>

namespace relay::core {

namespace {

constexpr std::size_t kLayersMax = 64;
constexpr std::chrono::milliseconds kLayerSpacing{50};

RowId next(RowId id) { return RowId{id.value() + 1}; }
RowId previous(RowId id) { return RowId{id.value() - 1}; }

bool ended(TransactionId transaction, const Snapshot& snapshot) {
  if (transaction < snapshot.xmin) return true;
  if (transaction >= snapshot.xmax) return false;
  return std::find(snapshot.in_progress.begin(), snapshot.in_progress.end(), transaction) == snapshot.in_progress.end();
}

}  // namespace

Gaps::Gaps(std::size_t ranges_max, std::chrono::nanoseconds settle_after)
    : ranges_max_(ranges_max), settle_after_(settle_after) {}

void Gaps::polled(const PollResult& result, const std::vector<RowId>& seen, std::chrono::nanoseconds sent,
                  std::chrono::nanoseconds received) {
  // How far the statement looked: everything, or up to the row at which it was cut off.
  RowId looked{std::numeric_limits<std::int64_t>::max()};
  if (result.more) looked = seen.empty() ? RowId{0} : seen.back();
  const RowId last = std::max(result.last_seen, seen.empty() ? RowId{0} : seen.back());

  advance_layers(result, sent);
  add_layer(std::max(last, result.highest_id), received);
  split(seen);
  trim(std::min(settled_, looked));
  const RowId upto = result.more ? looked : std::max(last, watermark_);
  if (upto > watermark_) extend(seen, upto);
}

void Gaps::advance_layers(const PollResult& result, std::chrono::nanoseconds sent) {
  for (Layer& layer : layers_) {
    if (!layer.waiting) {
      if (sent - layer.seen_at < settle_after_) break;
      layer.waiting = true;
      layer.in_progress = result.snapshot.in_progress;
      // xmin below every listed transaction is the usual form; a snapshot without a list still names its oldest.
      if (layer.in_progress.empty() && result.snapshot.xmin < result.snapshot.xmax) {
        layer.in_progress.push_back(result.snapshot.xmin);
      }
      continue;
    }
    std::erase_if(layer.in_progress, [&](TransactionId id) { return ended(id, result.snapshot); });
  }
  // A lower layer is older: whoever closes closes all before it.
  std::size_t closed = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i].waiting && layers_[i].in_progress.empty()) closed = i + 1;
  }
  if (closed > 0) {
    settled_ = std::max(settled_, layers_[closed - 1].boundary);
    layers_.erase(layers_.begin(), layers_.begin() + static_cast<std::ptrdiff_t>(closed));
  }
}

void Gaps::add_layer(RowId boundary, std::chrono::nanoseconds received) {
  const bool higher = boundary > settled_ && (layers_.empty() || boundary > layers_.back().boundary);
  const bool spaced = layers_.empty() || received - layers_.back().seen_at >= kLayerSpacing;
  if (higher && spaced && layers_.size() < kLayersMax) {
    layers_.push_back(Layer{.boundary = boundary, .seen_at = received, .in_progress = {}});
  }
}

// Takes what has been seen out of the ranges. Over the limit for a moment is no harm: the watermark then stands still.
void Gaps::split(const std::vector<RowId>& seen) {
  if (ranges_.empty() || seen.empty() || seen.front() > ranges_.back().last) return;
  std::vector<IdRange> left;
  left.reserve(ranges_.size());
  auto id = seen.begin();
  for (IdRange range : ranges_) {
    while (id != seen.end() && *id < range.first) ++id;
    while (id != seen.end() && *id <= range.last) {
      if (range.first < *id) left.push_back(IdRange{range.first, previous(*id)});
      range.first = next(*id);
      ++id;
    }
    if (range.first <= range.last) left.push_back(range);
  }
  ranges_ = std::move(left);
}

void Gaps::trim(RowId upto) {
  std::size_t gone = 0;
  while (gone < ranges_.size() && ranges_[gone].last <= upto) ++gone;
  ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(gone));
  if (!ranges_.empty() && ranges_.front().first <= upto) ranges_.front().first = next(upto);
}

// Moves the watermark up to `upto`, keeping the holes between the rows seen; stops below the first that does not fit.
void Gaps::extend(const std::vector<RowId>& seen, RowId upto) {
  const auto add = [&](RowId first, RowId last) {
    first = std::max(first, next(settled_));
    if (first > last) return true;
    if (ranges_.size() >= ranges_max_) {
      watermark_ = previous(first);
      return false;
    }
    ranges_.push_back(IdRange{first, last});
    return true;
  };
  RowId expected = next(watermark_);
  for (auto id = std::lower_bound(seen.begin(), seen.end(), expected); id != seen.end(); ++id) {
    if (expected < *id && !add(expected, previous(*id))) return;
    expected = next(*id);
  }
  if (expected <= upto && !add(expected, upto)) return;
  watermark_ = upto;
}

void Gaps::rewind(RowId watermark) {
  if (watermark >= watermark_) return;
  watermark_ = watermark;
  while (!ranges_.empty() && ranges_.back().first > watermark) ranges_.pop_back();
  if (!ranges_.empty() && ranges_.back().last > watermark) ranges_.back().last = watermark;
}

void Gaps::reset() {
  watermark_ = RowId{0};
  settled_ = RowId{0};
  ranges_.clear();
  layers_.clear();
}

}  // namespace relay::core
