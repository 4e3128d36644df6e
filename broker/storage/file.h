// The seam under everything here that touches a disk: the real one is posix_file.h, the simulated one lives in the
// tests. All calls block. A failing call throws IoError; what the caller can act on (no such file, no room) is a return
// value. Objects of one FileSystem may be used from several threads at once, one File too as long as ranges do not
// overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"

namespace broker::storage {

// A call to the disk failed; after a write or a flush nothing is known about what was written.
class IoError : public common::Error {
 public:
  IoError(const std::string& operation, const std::filesystem::path& path, int error_number);
  [[nodiscard]] int error_number() const noexcept { return error_number_; }

 private:
  int error_number_;
};

// What lies on the disk is not what was written, or belongs to another version; the message says where and the way out.
class CorruptError : public common::Error {
 public:
  explicit CorruptError(const std::string& message, common::ExitCode code = common::ExitCode::disk_failed)
      : common::Error(message, false, code) {}
};

using ConstBuffer = std::span<const std::byte>;

enum class Reservation { reserved, no_room, unsupported };

class File {
 public:
  virtual ~File() = default;
  // Writes everything, whatever the number of buffers; continues after a short write and EINTR.
  virtual void pwritev(std::span<const ConstBuffer> buffers, std::uint64_t offset) = 0;
  // Bytes read; fewer than asked only at the file's end.
  virtual std::size_t pread(std::span<std::byte> into, std::uint64_t offset) = 0;
  // The same without waiting for the disk; none: not all of it is in memory, or that cannot be told.
  virtual std::optional<std::size_t> pread_cached(std::span<std::byte> into, std::uint64_t offset) {
    return pread(into, offset);
  }
  // Data and size are on the disk when it returns. Never retried after a failure.
  virtual void fdatasync() = 0;
  virtual void fsync() = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  virtual void truncate(std::uint64_t size) = 0;
  // Reserves blocks without changing the size (fallocate KEEP_SIZE).
  virtual Reservation reserve(std::uint64_t offset, std::uint64_t length) = 0;
  // Asks the kernel to begin writing the range (length 0: to the end); no promise.
  virtual void start_writeback(std::uint64_t offset, std::uint64_t length) = 0;

  void pwrite(ConstBuffer buffer, std::uint64_t offset) { pwritev({&buffer, 1}, offset); }
};

enum class OpenMode { read_existing, write_existing, write_create, create_new };

struct DirectoryEntry {
  std::string name;
  bool directory = false;
};

// Held while the folder is ours; released by the destructor and by the end of the process.
class FolderLock {
 public:
  virtual ~FolderLock() = default;
};

// Flushes all that was written to a file system, files and names alike, in one go.
class WholeSync {
 public:
  virtual ~WholeSync() = default;
  // True: everything written before the call, by whomever, is on the disk. False: that cannot be told; flush each file
  // and folder, which then say which of them failed. The failure is said once, so a later true is worth nothing.
  [[nodiscard]] virtual bool flush() = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Null: read_existing or write_existing and there is no such file, or a folder on the way is missing.
  virtual std::unique_ptr<File> open(const std::filesystem::path& path, OpenMode mode) = 0;
  // False: it is there already. The parent must exist.
  virtual bool make_directory(const std::filesystem::path& path) = 0;
  // In order of names. A missing directory is empty.
  virtual std::vector<DirectoryEntry> list(const std::filesystem::path& directory) = 0;
  // Replaces the target. Both in one directory.
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // A missing one is no failure.
  virtual void remove(const std::filesystem::path& path) = 0;
  virtual void remove_directory(const std::filesystem::path& path) = 0;
  virtual void sync_directory(const std::filesystem::path& directory) = 0;
  // Make it before the writes that it is to flush: it tells of failures from then on. Null: here it would not tell of
  // all of them.
  virtual std::unique_ptr<WholeSync> whole_sync(const std::filesystem::path& /*directory*/) { return nullptr; }
  // −1: no such file.
  virtual std::int64_t size_of(const std::filesystem::path& path) = 0;
  // Null: another process has it.
  virtual std::unique_ptr<FolderLock> lock(const std::filesystem::path& path) = 0;
  // For those who only read: nothing is made, and where there is no such file nobody has locked anything.
  virtual std::unique_ptr<FolderLock> lock_shared(const std::filesystem::path& path) = 0;
  // Bytes an unprivileged writer still gets.
  virtual std::uint64_t room(const std::filesystem::path& directory) = 0;
  // Descriptors this process may have.
  [[nodiscard]] virtual std::size_t descriptors_max() const { return 1024; }
  // From the system's random source.
  virtual void random(std::span<std::byte> into) = 0;
};

}  // namespace broker::storage
