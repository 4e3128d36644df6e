// The real disk under the storage, by the system calls.
#pragma once

#include "broker/storage/file.h"

namespace broker::storage {

class PosixFileSystem final : public FileSystem {
 public:
  std::unique_ptr<File> open(const std::filesystem::path& path, OpenMode mode) override;
  bool make_directory(const std::filesystem::path& path) override;
  std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override;
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  void remove(const std::filesystem::path& path) override;
  void remove_directory(const std::filesystem::path& path) override;
  void sync_directory(const std::filesystem::path& directory) override;
  std::unique_ptr<WholeSync> whole_sync(const std::filesystem::path& directory) override;
  std::int64_t size_of(const std::filesystem::path& path) override;
  std::unique_ptr<FolderLock> lock(const std::filesystem::path& path) override;
  std::unique_ptr<FolderLock> lock_shared(const std::filesystem::path& path) override;
  std::uint64_t room(const std::filesystem::path& directory) override;
  [[nodiscard]] std::size_t descriptors_max() const override;
  void random(std::span<std::byte> into) override;
};

}  // namespace broker::storage
