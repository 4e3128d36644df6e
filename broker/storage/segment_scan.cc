// Reading a segment from its first byte to its last.
#include "broker/storage/segment_scan.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace broker::storage {

namespace {

constexpr std::size_t kWindowBytes = 1U << 20;

class Scanner {
 public:
  Scanner(File* file, const SegmentMark& mark) : file_(file), mark_(mark) {}

  struct Batch {
    std::optional<BatchHeader> header;  // none: no batch begins there
    const char* wrong = nullptr;        // null: whole
  };
  // The batch at the position, which must begin with an offset not before `base_min`.
  Batch batch_at(std::uint64_t position, Offset base_min) {
    const ConstBuffer start = bytes_at(position, kBatchHeaderBytes);
    if (start.size() < kBatchHeaderBytes) return {std::nullopt, "the file ends"};
    const auto header = parse_batch_header(start);
    if (!header || header->bytes > mark_.bytes - position) return {std::nullopt, "no batch begins here"};
    if (header->base < base_min || header->end > mark_.end)
      return {header, "a batch with offsets that do not belong here"};
    const ConstBuffer bytes = bytes_at(position, header->bytes);
    if (bytes.size() < header->bytes) return {header, "the file ends within a batch"};
    if (!batch_is_whole(*header, bytes)) return {header, "a batch whose checksum differs"};
    return {header, nullptr};
  }

 private:
  // Fewer than asked: the file ends.
  ConstBuffer bytes_at(std::uint64_t position, std::uint64_t bytes) {
    if (position < window_at_ || position + bytes > window_at_ + window_.size()) {
      window_.resize(std::min(std::max<std::uint64_t>(bytes, kWindowBytes), mark_.bytes - position));
      window_at_ = position;
      window_.resize(file_ == nullptr ? 0 : file_->pread(window_, position));
    }
    const std::uint64_t at = position - window_at_;
    return ConstBuffer(window_).subspan(at, std::min<std::uint64_t>(bytes, window_.size() - at));
  }

  File* file_;
  const SegmentMark& mark_;
  std::vector<std::byte> window_;
  std::uint64_t window_at_ = 0;
};

// Where whole batches begin again behind a damage; none: nowhere.
std::optional<std::uint64_t> resume(Scanner& scanner, const SegmentMark& mark, const SegmentIndex* index,
                                    std::uint64_t position, Offset lost, const std::optional<BatchHeader>& damaged) {
  const Offset base_min(lost.value() + 1);
  if (damaged && position + damaged->bytes < mark.bytes && !scanner.batch_at(position + damaged->bytes, base_min).wrong)
    return position + damaged->bytes;
  if (index == nullptr) return std::nullopt;
  for (const IndexEntry& entry : index->entries) {
    if (entry.position > position && entry.position < mark.bytes && !scanner.batch_at(entry.position, base_min).wrong)
      return entry.position;
  }
  return std::nullopt;
}

}  // namespace

SegmentScan scan_segment(File* file, const SegmentMark& mark, const SegmentIndex* index,
                         const std::function<void(const BatchHeader&, std::uint64_t)>& each) {
  SegmentScan scan;
  Scanner scanner(file, mark);
  Offset next = mark.base;
  bool begin_run = true;
  for (std::uint64_t position = 0; position < mark.bytes;) {
    const auto batch = scanner.batch_at(position, next);
    const char* wrong = batch.wrong;
    if (wrong == nullptr && batch.header->base != next) wrong = "a batch that does not follow the one before it";
    if (wrong != nullptr) {
      scan.damages.push_back({position, next, mark.end, wrong});
      const auto again = resume(scanner, mark, index, position, next, batch.header);
      if (!again) return scan;
      position = *again;
      next = scanner.batch_at(position, next).header->base;
      scan.damages.back().to = next;
      begin_run = true;
      continue;
    }
    if (std::exchange(begin_run, false)) {
      SegmentMark& run = scan.runs.emplace_back(WholeRun{{.base = next, .end = next}, position}).mark;
      run.first_append_ms = mark.first_append_ms;
      run.last_append_ms = mark.last_append_ms;
    }
    SegmentMark& run = scan.runs.back().mark;
    run.end = next = batch.header->end;
    run.bytes += batch.header->bytes;
    run.max_timestamp_ms = std::max(run.max_timestamp_ms, batch.header->max_timestamp_ms);
    scan.bytes += batch.header->bytes;
    if (each) each(*batch.header, position);
    position += batch.header->bytes;
  }
  if (next != mark.end) scan.damages.push_back({mark.bytes, next, mark.end, "the last batches are missing"});
  return scan;
}

}  // namespace broker::storage
