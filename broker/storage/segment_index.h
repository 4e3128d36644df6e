// The sparse index of a segment: where an offset or a time is to be looked for. In memory while the segment grows, in
// `<base>.index` beside the segment for later starts, in a bounded cache when an old segment is read. Format:
// README.md, "Index". Never trusted: who jumps by an entry checks the batch it lands on, and a file that proves nothing
// is made anew from the segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/storage/batch_header.h"
#include "broker/storage/file.h"
#include "broker/storage/record.h"
#include "broker/storage/superblock.h"

namespace broker::storage {

struct SegmentFile;

inline constexpr std::uint64_t kIndexEveryBytes = 32U << 10;

struct IndexEntry {
  Offset base;  // of a batch
  std::uint64_t position = 0;
  std::int64_t max_before_ms = -1;  // greatest timestamp of all batches before it
};

// Of the first `covers` bytes of a segment.
struct SegmentIndex {
  std::vector<IndexEntry> entries;  // in order; the first at position 0
  std::uint64_t covers = 0;
  Offset end;  // behind the last batch covered
  std::int64_t max_timestamp_ms = -1;

  explicit SegmentIndex(Offset base) : end(base) {}
  // The batch that follows what is covered.
  void add(const BatchHeader& header);
  // Where to begin looking: at or before the batch that holds the offset, or the first with at least that time.
  [[nodiscard]] std::optional<IndexEntry> entry_for(Offset offset) const;
  [[nodiscard]] std::optional<IndexEntry> entry_for_time(std::int64_t timestamp_ms) const;
};

// Which segment an index file belongs to.
struct SegmentIdentity {
  PartitionRef partition;
  Offset base;
};

[[nodiscard]] std::filesystem::path index_path(const std::filesystem::path& segment);
[[nodiscard]] std::vector<std::byte> encode_index(const SegmentIndex& index, const SegmentIdentity& identity,
                                                  const Superblock& superblock);
// None: damaged, of another segment or store, or covering more than the segment has.
[[nodiscard]] std::optional<SegmentIndex> decode_index(ConstBuffer bytes, const SegmentIdentity& identity,
                                                       std::uint64_t segment_bytes, const Superblock& superblock);

// None: there is none, or it proves nothing.
[[nodiscard]] std::optional<SegmentIndex> read_index(FileSystem& fs, const std::filesystem::path& segment,
                                                     const SegmentIdentity& identity, std::uint64_t segment_bytes,
                                                     const Superblock& superblock);
// Replaces it. Without a flush: what a crash leaves of it is recognised. A full disk is no failure.
void write_index(FileSystem& fs, const std::filesystem::path& segment, const SegmentIndex& index,
                 const SegmentIdentity& identity, const Superblock& superblock);

// Indexes of old segments that were read lately. Core thread only.
class IndexCache {
 public:
  explicit IndexCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  [[nodiscard]] std::shared_ptr<const SegmentIndex> find(const std::shared_ptr<SegmentFile>& segment);
  void put(const std::shared_ptr<SegmentFile>& segment, std::shared_ptr<const SegmentIndex> index);
  void forget(const std::shared_ptr<SegmentFile>& segment);

 private:
  // Holds the segment too, so that no other one comes to lie at its address.
  using Item = std::pair<std::shared_ptr<SegmentFile>, std::shared_ptr<const SegmentIndex>>;
  static std::size_t bytes_of(const SegmentIndex& index) { return index.entries.size() * sizeof(IndexEntry) + 128; }

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Item> items_;  // the one used last first
  std::unordered_map<const SegmentFile*, std::list<Item>::iterator> places_;
};

}  // namespace broker::storage
