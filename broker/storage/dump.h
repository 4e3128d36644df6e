// The store's files in readable lines, one a frame, record or batch header. What is damaged is printed as such and the
// rest goes on. For `outbox-broker dump`; only reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>

#include "broker/storage/checkpoint.h"

namespace broker::storage {

struct DumpRange {
  std::int64_t from = 0;                                 // a frame's number, or an offset in a segment
  std::uint64_t limit = ~static_cast<std::uint64_t>(0);  // frames, records or batches
};

void dump_checkpoint(const Checkpoint& checkpoint, const DumpRange& range, std::ostream& out);
// Frames of the file's generation; older ones behind them are only counted.
void dump_journal_file(FileSystem& fs, const std::filesystem::path& path, const Superblock& superblock, DumpRange range,
                       std::ostream& out);
void dump_segment(FileSystem& fs, const std::filesystem::path& path, DumpRange range, std::ostream& out);
// A single file by its name: store, checkpoint-…, journal/NN, a segment. Throws common::Error when it is none of them,
// or needs the folder's superblock and there is none.
void dump_file(FileSystem& fs, const std::filesystem::path& path, const DumpRange& range, std::ostream& out);

}  // namespace broker::storage
