// The superblock, and how a small file comes to lie durable under its name. Format: README.md, "Superblock".
#include "broker/storage/superblock.h"

#include <cerrno>
#include <cstring>

#include "common/crc32c.h"

namespace broker::storage {

namespace {

constexpr std::size_t kSuperblockBytes = 512;  // one sector: never torn
constexpr std::array<char, 8> kMagic = {'O', 'B', 'S', 'T', 'O', 'R', 'E', '1'};

using SuperblockBytes = std::array<std::byte, kSuperblockBytes>;

std::uint32_t crc_of(const SuperblockBytes& bytes, std::uint32_t format) {
  return common::crc32c(ConstBuffer(bytes).subspan(16)) ^ format;
}

}  // namespace

std::optional<Superblock> read_superblock(FileSystem& fs, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "store";
  const auto file = fs.open(path, OpenMode::read_existing);
  if (!file) return std::nullopt;
  SuperblockBytes bytes{};
  std::uint32_t format = 0;
  std::uint32_t crc = 0;
  const std::size_t got = file->pread(bytes, 0);
  std::memcpy(&format, bytes.data() + 8, sizeof format);
  std::memcpy(&crc, bytes.data() + 12, sizeof crc);
  if (got != bytes.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0 ||
      crc != crc_of(bytes, format)) {
    throw CorruptError(
        path.string() +
        " is damaged at byte 0; restore it from a copy of this folder, or move the folder away to begin anew");
  }
  if (format < kOldestStoreFormat || format > kStoreFormat) {
    throw CorruptError("the data folder " + folder.string() + " has version " + std::to_string(format) +
                           ", this program knows the versions " + std::to_string(kOldestStoreFormat) + " to " +
                           std::to_string(kStoreFormat) + "; use the program that wrote it, or another folder",
                       common::ExitCode::configuration);
  }
  Superblock superblock;
  superblock.format = format;
  std::memcpy(superblock.uuid.data(), bytes.data() + 16, superblock.uuid.size());
  std::memcpy(superblock.secret.data(), bytes.data() + 32, superblock.secret.size());
  return superblock;
}

Superblock make_superblock(FileSystem& fs) {
  Superblock superblock;
  fs.random(std::as_writable_bytes(std::span(superblock.uuid)));
  fs.random(superblock.secret);
  // RFC 9562: version 4, variant 10.
  superblock.uuid[6] = static_cast<std::uint8_t>((superblock.uuid[6] & 0x0f) | 0x40);
  superblock.uuid[8] = static_cast<std::uint8_t>((superblock.uuid[8] & 0x3f) | 0x80);
  return superblock;
}

void write_superblock(FileSystem& fs, const std::filesystem::path& folder, const Superblock& superblock) {
  SuperblockBytes bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  std::memcpy(bytes.data() + 8, &kStoreFormat, sizeof kStoreFormat);
  std::memcpy(bytes.data() + 16, superblock.uuid.data(), superblock.uuid.size());
  std::memcpy(bytes.data() + 32, superblock.secret.data(), superblock.secret.size());
  const std::uint32_t crc = crc_of(bytes, kStoreFormat);
  std::memcpy(bytes.data() + 12, &crc, sizeof crc);
  write_durably(fs, folder / "store", bytes);
}

void write_durably(FileSystem& fs, const std::filesystem::path& path, ConstBuffer bytes) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  fs.remove(temporary);
  {
    const auto file = fs.open(temporary, OpenMode::create_new);
    if (!file) throw IoError("create", temporary, ENOENT);
    file->pwrite(bytes, 0);
    file->fsync();
  }
  fs.rename(temporary, path);
  fs.sync_directory(path.parent_path());
}

}  // namespace broker::storage
