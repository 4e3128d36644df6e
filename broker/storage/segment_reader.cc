// Finds and reads batches in a segment's file. Every batch that is given out has proven its checksum and its place.
#include "broker/storage/segment_reader.h"

#include <algorithm>
#include <string>

#include "broker/storage/record_codec.h"
#include "common/log.h"

namespace broker::storage {

namespace {

constexpr std::size_t kScanBytes = 64U << 10;
constexpr std::uint64_t kWriteIndexAfterBytes = 4ULL << 20;  // walked: worth a file, so that it is not walked again

class Reader {
 public:
  Reader(SegmentFiles& files, const SegmentQuestion& question, MayWait may_wait)
      : files_(files), question_(question), may_wait_(may_wait) {}

  // False: blocked, or no batch begins where the entry says.
  bool ask(const IndexEntry& entry, SegmentAnswer& answer) {
    return question_.timestamp_ms ? find_time_from(entry, answer) : read_from(entry, answer);
  }
  [[nodiscard]] bool blocked() const { return blocked_; }

 private:
  bool read_from(const IndexEntry& entry, SegmentAnswer& answer);
  bool find_time_from(const IndexEntry& entry, SegmentAnswer& answer);
  struct Found {
    BatchHeader header;
    std::uint64_t position = 0;
  };
  // None: blocked.
  std::optional<std::size_t> fill(std::span<std::byte> into, std::uint64_t position);
  template <class Wanted>
  std::optional<Found> scan(const IndexEntry& entry, Wanted wanted);
  std::optional<std::size_t> check_batches(common::ByteBuffer& bytes, std::uint64_t position, Offset next,
                                           SegmentAnswer& answer);
  [[noreturn]] void refuse(std::uint64_t position) const {
    refuse_segment(question_.file->path, question_.identity.partition, position);
  }

  SegmentFiles& files_;
  const SegmentQuestion& question_;
  const MayWait may_wait_;
  bool blocked_ = false;
  bool misled_ = false;
};

std::optional<std::size_t> Reader::fill(std::span<std::byte> into, std::uint64_t position) {
  if (may_wait_ == MayWait::yes) return files_.read(question_.file, into, position);
  const auto got = files_.read_cached(question_.file, into, position);
  if (!got) blocked_ = true;
  return got;
}

// The first batch from the entry on, below the limit, that `wanted` takes.
template <class Wanted>
std::optional<Reader::Found> Reader::scan(const IndexEntry& entry, Wanted wanted) {
  common::ByteBuffer window;
  std::uint64_t window_at = 0;
  std::uint64_t position = entry.position;
  Offset next = entry.base;
  while (position < question_.limit) {
    if (position < window_at || position + kBatchHeaderBytes > window_at + window.size()) {
      window.resize(std::min<std::uint64_t>(kScanBytes, question_.bytes - position));
      window_at = position;
      const auto got = fill(window, position);
      if (!got) return std::nullopt;
      window.resize(*got);
    }
    const auto header = parse_batch_header(ConstBuffer(window).subspan(position - window_at));
    if (!header || header->base != next || position + header->bytes > question_.bytes) {
      misled_ = position == entry.position;
      if (misled_) return std::nullopt;
      refuse(position);
    }
    if (wanted(*header)) return Found{*header, position};
    position += header->bytes;
    next = header->end;
  }
  return std::nullopt;
}

// How many of the bytes are whole batches; grows the bytes when the first one is larger. None: blocked.
std::optional<std::size_t> Reader::check_batches(common::ByteBuffer& bytes, std::uint64_t position, Offset next,
                                                 SegmentAnswer& answer) {
  std::size_t whole = 0;
  while (whole < bytes.size()) {
    const auto header = parse_batch_header(ConstBuffer(bytes).subspan(whole));
    if (!header && bytes.size() - whole >= kBatchHeaderBytes) refuse(position + whole);
    if (!header || whole + header->bytes > bytes.size()) {
      if (whole > 0 || !header) break;
      if (header->bytes > question_.limit - position) refuse(position);
      bytes = common::ByteBuffer(header->bytes);  // a batch larger than asked for: at least one is always given
      const auto got = fill(bytes, position);
      if (!got) return std::nullopt;
      if (*got != bytes.size()) refuse(position);
    }
    if (header->base != next || !batch_is_whole(*header, ConstBuffer(bytes).subspan(whole, header->bytes)))
      refuse(position + whole);
    whole += header->bytes;
    next = header->end;
  }
  answer.next = IndexEntry{next, position + whole, -1};
  return whole;
}

bool Reader::read_from(const IndexEntry& entry, SegmentAnswer& answer) {
  std::uint64_t position = entry.position;
  Offset base = entry.base;
  // Who reads on where he stopped needs no looking: this process knows that the batch begins there.
  if (!question_.entry || entry.base != question_.from) {
    const auto found = scan(entry, [this](const BatchHeader& header) { return header.end > question_.from; });
    if (!found) return !blocked_ && !misled_;
    position = found->position;
    base = found->header.base;
  }
  if (position >= question_.limit) return true;
  common::ByteBuffer bytes(
      std::min(question_.limit - position, std::max<std::uint64_t>(question_.bytes_max, kBatchHeaderBytes)));
  const auto got = fill(bytes, position);
  if (!got) return false;
  if (*got != bytes.size()) refuse(position);
  const auto whole = check_batches(bytes, position, base, answer);
  if (!whole) return false;
  bytes.resize(*whole);
  answer.bytes = std::move(bytes);
  return true;
}

bool Reader::find_time_from(const IndexEntry& entry, SegmentAnswer& answer) {
  const auto found = scan(entry, [this](const BatchHeader& header) {
    return header.max_timestamp_ms >= *question_.timestamp_ms && header.end > question_.from;
  });
  if (found) answer.found = found->header;
  return !blocked_ && !misled_;
}

std::optional<IndexEntry> entry_of(const SegmentIndex& index, const SegmentQuestion& question) {
  return question.timestamp_ms ? index.entry_for_time(*question.timestamp_ms) : index.entry_for(question.from);
}

// Adds what lies between what the index covers and `bytes`; false: what it says of its end is not so.
bool walk(SegmentFiles& files, const std::shared_ptr<SegmentFile>& segment, std::uint64_t bytes, SegmentIndex& index,
          const PartitionRef& partition) {
  common::ByteBuffer window;
  std::uint64_t window_at = 0;
  const std::uint64_t begin = index.covers;
  while (index.covers < bytes) {
    const std::uint64_t at = index.covers;
    if (at + kBatchHeaderBytes > window_at + window.size() || window.empty()) {
      window.resize(std::min<std::uint64_t>(kScanBytes, bytes - at));
      window_at = at;
      window.resize(files.read(segment, window, at));
    }
    const auto header = parse_batch_header(ConstBuffer(window).subspan(at - window_at));
    if (!header || header->base != index.end || at + header->bytes > bytes) {
      if (at == begin && begin > 0) return false;
      refuse_segment(segment->path, partition, at);
    }
    index.add(*header);
  }
  return true;
}

}  // namespace

void refuse_segment(const std::filesystem::path& segment, const PartitionRef& partition, std::uint64_t position) {
  throw CorruptError(segment.string() + " is damaged at byte " + std::to_string(position) +
                     "; restore the file from a copy, or give up what lies behind the damage with --accept-loss " +
                     hex(partition.topic) + "/" + std::to_string(partition.partition.value()));
}

std::shared_ptr<const SegmentIndex> load_index(SegmentFiles& files, const Superblock& superblock,
                                               const std::shared_ptr<SegmentFile>& segment,
                                               const SegmentIdentity& identity, std::uint64_t bytes) {
  auto index = read_index(files.file_system(), segment->path, identity, bytes, superblock);
  std::uint64_t known = index ? index->covers : 0;
  if (!index) index.emplace(identity.base);
  if (!walk(files, segment, bytes, *index, identity.partition)) {
    common::log::warn("a segment's index does not agree with the segment and is made anew",
                      {{"segment", segment->path.string()}});
    index.emplace(identity.base);
    known = 0;
    (void)walk(files, segment, bytes, *index, identity.partition);
  }
  if (index->covers - known >= kWriteIndexAfterBytes)
    write_index(files.file_system(), segment->path, *index, identity, superblock);
  return std::make_shared<const SegmentIndex>(std::move(*index));
}

SegmentAnswer answer(SegmentFiles& files, const Superblock& superblock, const SegmentQuestion& question,
                     MayWait may_wait) {
  SegmentAnswer blocked;
  blocked.would_block = true;
  // A segment may be sealed before its last bytes are in the file.
  const std::uint64_t indexed = std::min(question.old_bytes, question.limit);
  auto index = question.old_index;
  if (!question.entry && !index) {
    if (may_wait == MayWait::no) return blocked;
    index = load_index(files, superblock, question.file, question.identity, indexed);
  }
  for (bool made_anew = false;; made_anew = true) {
    SegmentAnswer answer;
    answer.old_index = index;
    Reader reader(files, question, may_wait);
    const auto entry = question.entry ? question.entry : entry_of(*index, question);
    if (entry && reader.ask(*entry, answer)) return answer;
    if (reader.blocked()) return blocked;
    // No batch begins there. What is known of this process's own writes is no guess; an index file is one.
    if (question.entry || made_anew)
      refuse_segment(question.file->path, question.identity.partition, entry ? entry->position : 0);
    if (may_wait == MayWait::no) return blocked;
    files.file_system().remove(index_path(question.file->path));
    index = load_index(files, superblock, question.file, question.identity, indexed);
  }
}

}  // namespace broker::storage
