// Finds and reads batches in a segment's file. The sparse index is in memory; what lay there before the start is
// indexed at the first read by hopping over the batches' headers.
#include "broker/storage/segment.h"

#include <algorithm>
#include <string>

namespace broker::storage {

namespace {
constexpr std::uint64_t kIndexEveryBytes = 32U << 10;
constexpr std::size_t kScanBytes = 64U << 10;
}  // namespace

void Segment::add(const Append& append) {
  if (index_.empty() || mark_.bytes - index_.back().position >= kIndexEveryBytes) {
    index_.push_back({append.base, mark_.bytes, mark_.max_timestamp_ms});
  }
  mark_.end = Offset(append.base.value() + append.count);
  mark_.bytes += append.bytes.size();
  mark_.max_timestamp_ms = std::max(mark_.max_timestamp_ms, append.max_timestamp_ms);
  mark_.last_append_ms = append.appended_at_ms;
}

void Segment::refuse(std::uint64_t position) const {
  throw CorruptError(file_->path.string() + " is damaged at byte " + std::to_string(position) +
                     "; restore the file from a copy, or move the partition's start past it");
}

template <class Wanted>
std::optional<Segment::Found> Segment::scan(SegmentFiles& files, std::uint64_t position, std::uint64_t limit,
                                            Wanted wanted) {
  std::vector<std::byte> window;
  std::uint64_t window_at = 0;
  while (position < limit) {
    if (position < window_at || position + kBatchHeaderBytes > window_at + window.size()) {
      window.resize(std::min<std::uint64_t>(kScanBytes, mark_.bytes - position));
      window_at = position;
      window.resize(files.read(file_, window, position));
    }
    const auto header = parse_batch_header(ConstBuffer(window).subspan(position - window_at));
    if (!header || position + header->bytes > mark_.bytes) refuse(position);
    if (wanted(*header, position)) return Found{*header, position};
    position += header->bytes;
  }
  return std::nullopt;
}

void Segment::index_old_part(SegmentFiles& files) {
  if (indexed_from_ == 0) return;
  std::vector<Entry> old;
  std::int64_t max_before = -1;
  scan(files, 0, indexed_from_, [&](const BatchHeader& header, std::uint64_t position) {
    if (old.empty() || position - old.back().position >= kIndexEveryBytes)
      old.push_back({header.base, position, max_before});
    max_before = std::max(max_before, header.max_timestamp_ms);
    return false;
  });
  index_.insert(index_.begin(), old.begin(), old.end());
  indexed_from_ = 0;
}

std::vector<std::byte> Segment::read(SegmentFiles& files, Offset from, std::uint64_t bytes_max, std::uint64_t limit) {
  std::uint64_t position = next_read_position_;
  if (from != next_read_) {
    index_old_part(files);
    auto entry = std::ranges::upper_bound(index_, from, {}, &Entry::base);
    if (entry == index_.begin()) refuse(0);  // the segment is asked because it holds the offset
    const auto found = scan(files, std::prev(entry)->position, limit,
                            [from](const BatchHeader& header, std::uint64_t) { return header.end > from; });
    if (!found) return {};
    position = found->position;
  }
  std::vector<std::byte> bytes(std::min(limit - position, std::max<std::uint64_t>(bytes_max, kBatchHeaderBytes)));
  if (files.read(file_, bytes, position) != bytes.size()) refuse(position);
  std::size_t whole = 0;
  while (whole < bytes.size()) {
    const auto header = parse_batch_header(ConstBuffer(bytes).subspan(whole));
    if (!header && bytes.size() - whole >= kBatchHeaderBytes) refuse(position + whole);
    if (!header || whole + header->bytes > bytes.size()) {
      if (whole > 0 || !header) break;
      if (header->bytes > limit - position) refuse(position);
      bytes.resize(header->bytes);  // a batch larger than asked for: at least one is always given
      if (files.read(file_, bytes, position) != bytes.size()) refuse(position);
    }
    if (!batch_is_whole(*header, ConstBuffer(bytes).subspan(whole, header->bytes))) refuse(position + whole);
    whole += header->bytes;
    next_read_ = header->end;
  }
  bytes.resize(whole);
  next_read_position_ = position + whole;
  return bytes;
}

std::optional<BatchHeader> Segment::find_time(SegmentFiles& files, std::int64_t timestamp_ms, std::uint64_t limit) {
  index_old_part(files);
  // The last entry before which everything is too early.
  auto entry =
      std::ranges::partition_point(index_, [timestamp_ms](const Entry& e) { return e.max_before_ms < timestamp_ms; });
  const std::uint64_t position = entry == index_.begin() ? 0 : std::prev(entry)->position;
  const auto found = scan(files, position, limit, [timestamp_ms](const BatchHeader& header, std::uint64_t) {
    return header.max_timestamp_ms >= timestamp_ms;
  });
  if (!found) return std::nullopt;
  return found->header;
}

}  // namespace broker::storage
