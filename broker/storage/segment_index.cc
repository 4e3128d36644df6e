// Index entries, their file, their cache. Format: README.md, "Index".
#include "broker/storage/segment_index.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "broker/storage/bytes.h"
#include "common/crc32c.h"

namespace broker::storage {

namespace {

constexpr std::array<char, 8> kMagic = {'O', 'B', 'I', 'N', 'D', 'X', '0', '1'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kHeaderSize = 96;
constexpr std::size_t kEntrySize = 24;
constexpr std::uint64_t kBytesMax = 64ULL << 20;  // beyond any segment's

std::uint32_t crc_of(ConstBuffer bytes, const Superblock& superblock) {
  return common::crc32c(bytes.subspan(12), common::crc32c(superblock.secret));
}

bool entries_are_in_order(const SegmentIndex& index, Offset base) {
  if (index.entries.empty() || index.entries.front().base != base || index.entries.front().position != 0) return false;
  for (std::size_t i = 1; i < index.entries.size(); ++i) {
    const IndexEntry& before = index.entries[i - 1];
    const IndexEntry& entry = index.entries[i];
    if (entry.base <= before.base || entry.position <= before.position || entry.max_before_ms < before.max_before_ms)
      return false;
  }
  return index.entries.back().position < index.covers && index.entries.back().base < index.end;
}

}  // namespace

void SegmentIndex::add(const BatchHeader& header) {
  if (entries.empty() || covers - entries.back().position >= kIndexEveryBytes)
    entries.push_back({header.base, covers, max_timestamp_ms});
  covers += header.bytes;
  end = header.end;
  max_timestamp_ms = std::max(max_timestamp_ms, header.max_timestamp_ms);
}

std::optional<IndexEntry> SegmentIndex::entry_for(Offset offset) const {
  const auto entry = std::ranges::upper_bound(entries, offset, {}, &IndexEntry::base);
  if (entry == entries.begin()) return std::nullopt;
  return *std::prev(entry);
}

std::optional<IndexEntry> SegmentIndex::entry_for_time(std::int64_t timestamp_ms) const {
  if (entries.empty()) return std::nullopt;
  // The last one before which everything is too early.
  const auto entry = std::ranges::partition_point(
      entries, [timestamp_ms](const IndexEntry& e) { return e.max_before_ms < timestamp_ms; });
  return entry == entries.begin() ? *entry : *std::prev(entry);
}

std::filesystem::path index_path(const std::filesystem::path& segment) {
  return std::filesystem::path(segment).replace_extension(".index");
}

std::vector<std::byte> encode_index(const SegmentIndex& index, const SegmentIdentity& identity,
                                    const Superblock& superblock) {
  std::vector<std::byte> encoded;
  encoded.reserve(kHeaderSize + index.entries.size() * kEntrySize);
  ByteWriter out(encoded);
  out.put_bytes(std::as_bytes(std::span(kMagic)));
  out.put(std::uint32_t{0});
  out.put(kFormat);
  out.put_bytes(std::as_bytes(std::span(superblock.uuid)));
  out.put_bytes(std::as_bytes(std::span(identity.partition.topic)));
  out.put(identity.partition.partition.value());
  out.put(static_cast<std::uint32_t>(index.entries.size()));
  out.put(identity.base.value());
  out.put(index.end.value());
  out.put(index.covers);
  out.put(index.max_timestamp_ms);
  out.put_zeros(kHeaderSize - out.size());
  for (const IndexEntry& entry : index.entries) {
    out.put(entry.base.value());
    out.put(entry.position);
    out.put(entry.max_before_ms);
  }
  out.set(8, crc_of(encoded, superblock));
  return encoded;
}

std::optional<SegmentIndex> decode_index(ConstBuffer bytes, const SegmentIdentity& identity,
                                         std::uint64_t segment_bytes, const Superblock& superblock) {
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  ByteReader in(bytes.subspan(8));
  if (in.get<std::uint32_t>() != crc_of(bytes, superblock) || in.get<std::uint32_t>() != kFormat) return std::nullopt;
  if (std::memcmp(in.take(16).data(), superblock.uuid.data(), 16) != 0) return std::nullopt;
  if (std::memcmp(in.take(16).data(), identity.partition.topic.data(), 16) != 0) return std::nullopt;
  if (in.get<std::int32_t>() != identity.partition.partition.value()) return std::nullopt;
  const std::uint64_t count = in.get<std::uint32_t>();
  if (in.get<std::int64_t>() != identity.base.value()) return std::nullopt;
  SegmentIndex index(Offset(in.get<std::int64_t>()));
  index.covers = in.get<std::uint64_t>();
  index.max_timestamp_ms = in.get<std::int64_t>();
  if (bytes.size() != kHeaderSize + count * kEntrySize || index.covers > segment_bytes) return std::nullopt;
  in = ByteReader(bytes.subspan(kHeaderSize));
  index.entries.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    IndexEntry& entry = index.entries.emplace_back();
    entry.base = Offset(in.get<std::int64_t>());
    entry.position = in.get<std::uint64_t>();
    entry.max_before_ms = in.get<std::int64_t>();
  }
  if (!entries_are_in_order(index, identity.base)) return std::nullopt;
  return index;
}

std::optional<SegmentIndex> read_index(FileSystem& fs, const std::filesystem::path& segment,
                                       const SegmentIdentity& identity, std::uint64_t segment_bytes,
                                       const Superblock& superblock) {
  const auto file = fs.open(index_path(segment), OpenMode::read_existing);
  if (!file) return std::nullopt;
  const std::uint64_t size = file->size();
  if (size > kBytesMax) return std::nullopt;
  std::vector<std::byte> bytes(size);
  if (file->pread(bytes, 0) != size) return std::nullopt;
  return decode_index(bytes, identity, segment_bytes, superblock);
}

void write_index(FileSystem& fs, const std::filesystem::path& segment, const SegmentIndex& index,
                 const SegmentIdentity& identity, const Superblock& superblock) {
  const std::filesystem::path path = index_path(segment);
  const std::filesystem::path temporary = path.string() + ".tmp";
  try {
    const auto file = fs.open(temporary, OpenMode::write_create);
    if (!file) return;  // its folder is gone, with the topic
    file->truncate(0);
    file->pwrite(encode_index(index, identity, superblock), 0);
    fs.rename(temporary, path);
  } catch (const IoError& failure) {
    if (failure.error_number() != ENOSPC && failure.error_number() != EDQUOT && !failure.retryable()) throw;
    fs.remove(temporary);
  }
}

std::shared_ptr<const SegmentIndex> IndexCache::find(const std::shared_ptr<SegmentFile>& segment) {
  const auto found = places_.find(segment.get());
  if (found == places_.end()) return nullptr;
  items_.splice(items_.begin(), items_, found->second);
  return found->second->second;
}

void IndexCache::put(const std::shared_ptr<SegmentFile>& segment, std::shared_ptr<const SegmentIndex> index) {
  forget(segment);
  bytes_ += bytes_of(*index);
  items_.emplace_front(segment, std::move(index));
  places_[segment.get()] = items_.begin();
  while (bytes_ > bytes_max_ && items_.size() > 1) {
    const auto least_used = items_.back().first;
    forget(least_used);
  }
}

void IndexCache::forget(const std::shared_ptr<SegmentFile>& segment) {
  const auto found = places_.find(segment.get());
  if (found == places_.end()) return;
  bytes_ -= bytes_of(*found->second->second);
  items_.erase(found->second);
  places_.erase(found);
}

}  // namespace broker::storage
