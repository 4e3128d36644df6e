// `outbox-broker check` and `dump`: a look into a data folder that no broker has open, or at a copy of one. Neither
// changes anything, so damage does not stop them.
#pragma once

#include <filesystem>
#include <iosfwd>

#include "broker/storage/dump.h"

namespace broker {

// Reads superblock, checkpoint, journal and every batch of every segment. Lists all that is damaged, with file, byte
// and the way out; true: all is well.
[[nodiscard]] bool check_folder(storage::FileSystem& files, const std::filesystem::path& path, std::ostream& out);

// A folder: topics with their bounds, groups with their offsets, accepted losses, then checkpoint and journal record by
// record. A file of a folder: that one alone.
void dump_path(storage::FileSystem& files, const std::filesystem::path& path, const storage::DumpRange& range,
               std::ostream& out);

}  // namespace broker
