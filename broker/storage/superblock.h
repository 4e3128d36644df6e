// The superblock: whose folder this is, in which version, and the secret that seeds the CRCs. Format: README.md.
#pragma once

#include "broker/storage/file.h"
#include "broker/storage/journal_format.h"
#include "common/version.h"

namespace broker::storage {

inline constexpr std::uint32_t kOldestStoreFormat = common::kBrokerData.oldest;  // read, and upgraded at the start
inline constexpr std::uint32_t kStoreFormat = common::kBrokerData.newest;        // written

struct Superblock {
  Uuid uuid{};
  Secret secret{};
  std::uint32_t format = kStoreFormat;  // as it was found
};

// None: the folder has none yet. Throws CorruptError (exit 78 for another version, 74 for a damaged one).
[[nodiscard]] std::optional<Superblock> read_superblock(FileSystem& fs, const std::filesystem::path& folder);
[[nodiscard]] Superblock make_superblock(FileSystem& fs);
// In the newest format. Durable when it returns; a crash before leaves the old one whole.
void write_superblock(FileSystem& fs, const std::filesystem::path& folder, const Superblock& superblock);

// Writes a small file under a temporary name, flushes, renames, flushes the folder.
void write_durably(FileSystem& fs, const std::filesystem::path& path, ConstBuffer bytes);

}  // namespace broker::storage
