// The real disk: each seam call is one system call, retried on EINTR only (a flush never is).
#include "broker/storage/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "broker/storage/whole_sync.h"

namespace broker::storage {

namespace {

constexpr mode_t kFileMode = 0600;  // the superblock's secret and other people's messages
constexpr mode_t kDirectoryMode = 0700;

std::string advice(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space on that disk";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; make it writable for this user";
    case EMFILE:
    case ENFILE:
      return "; raise the limit of open files";
    case EIO:
      return "; the disk reports a fault, look at the kernel's log";
    default:
      return "";
  }
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

int open_retrying(const std::filesystem::path& path, int flags) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
    if (descriptor >= 0 || errno != EINTR) return descriptor;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::filesystem::path path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  void pwritev(std::span<const ConstBuffer> buffers, std::uint64_t offset) override {
    std::size_t skip = 0;  // bytes of the first buffer that are written already
    while (!buffers.empty()) {
      std::array<iovec, 256> vectors{};
      std::size_t used = 0;
      for (std::size_t i = 0; i < buffers.size() && used < vectors.size(); ++i) {
        const ConstBuffer part = i == 0 ? buffers[i].subspan(skip) : buffers[i];
        // iovec has no const; the kernel only reads it.
        vectors[used++] = {const_cast<std::byte*>(part.data()), part.size()};
      }
      const ssize_t written =
          ::pwritev(descriptor_.get(), vectors.data(), static_cast<int>(used), static_cast<off_t>(offset));
      if (written < 0) {
        if (errno == EINTR) continue;
        throw IoError("write", path_, errno);
      }
      offset += static_cast<std::uint64_t>(written);
      auto left = static_cast<std::size_t>(written);
      std::size_t wanted = 0;
      while (!buffers.empty() && left >= buffers.front().size() - skip) {
        left -= buffers.front().size() - skip;
        skip = 0;
        buffers = buffers.subspan(1);
        ++wanted;
      }
      skip += left;
      // A disk that takes nothing and says no error would be asked for ever.
      if (written == 0 && wanted == 0) throw IoError("write", path_, EIO);
    }
  }

  std::size_t pread(std::span<std::byte> into, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got =
          ::pread(descriptor_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (got < 0) {
        if (errno == EINTR) continue;
        throw IoError("read", path_, errno);
      }
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  std::optional<std::size_t> pread_cached(std::span<std::byte> into, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const iovec part{into.data() + done, into.size() - done};
      const ssize_t got = ::preadv2(descriptor_.get(), &part, 1, static_cast<off_t>(offset + done), RWF_NOWAIT);
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return std::nullopt;
        throw IoError("read", path_, errno);
      }
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  void fdatasync() override {
    if (::fdatasync(descriptor_.get()) != 0) throw IoError("fdatasync", path_, errno);
  }
  void fsync() override {
    if (::fsync(descriptor_.get()) != 0) throw IoError("fsync", path_, errno);
  }
  std::uint64_t size() const override {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) throw IoError("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }
  void truncate(std::uint64_t size) override {
    while (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) {
      if (errno != EINTR) throw IoError("truncate", path_, errno);
    }
  }
  Reservation reserve(std::uint64_t offset, std::uint64_t length) override {
    while (::fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(length)) != 0) {
      if (errno == EINTR) continue;
      if (errno == ENOSPC || errno == EDQUOT) return Reservation::no_room;
      if (errno == EOPNOTSUPP || errno == ENOSYS) return Reservation::unsupported;
      throw IoError("fallocate", path_, errno);
    }
    return Reservation::reserved;
  }
  void start_writeback(std::uint64_t offset, std::uint64_t length) override {
    // Only a hint: what it could not begin, the checkpoint's flush does and reports.
    (void)::sync_file_range(descriptor_.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                            SYNC_FILE_RANGE_WRITE);
  }

 private:
  Descriptor descriptor_;
  std::filesystem::path path_;
};

class PosixLock final : public FolderLock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // the lock lives as long as the open file
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read_existing:
      return O_RDONLY;
    case OpenMode::write_existing:
      return O_RDWR;
    case OpenMode::write_create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

IoError::IoError(const std::string& operation, const std::filesystem::path& path, int error_number)
    : common::Error(
          operation + " " + path.string() + ": " + std::generic_category().message(error_number) + advice(error_number),
          error_number == ENOSPC || error_number == EDQUOT || error_number == EMFILE || error_number == ENFILE,
          common::ExitCode::disk_failed),
      error_number_(error_number) {}

std::unique_ptr<File> PosixFileSystem::open(const std::filesystem::path& path, OpenMode mode) {
  Descriptor descriptor(open_retrying(path, flags_of(mode)));
  if (descriptor.get() < 0) {
    if (errno == ENOENT) return nullptr;
    throw IoError("open", path, errno);
  }
  return std::make_unique<PosixFile>(std::move(descriptor), path);
}

bool PosixFileSystem::make_directory(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) == 0) return true;
  const int error_number = errno;
  std::error_code ignored;
  if (error_number == EEXIST && std::filesystem::is_directory(path, ignored)) return false;
  throw IoError("mkdir", path, error_number);
}

std::vector<DirectoryEntry> PosixFileSystem::list(const std::filesystem::path& directory) {
  std::vector<DirectoryEntry> entries;
  std::error_code failure;
  std::filesystem::directory_iterator next(directory, failure);
  if (failure == std::errc::no_such_file_or_directory) return entries;
  for (; !failure && next != std::filesystem::directory_iterator(); next.increment(failure)) {
    entries.push_back({next->path().filename().string(), next->is_directory()});
  }
  if (failure) throw IoError("list", directory, failure.value());
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

void PosixFileSystem::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw IoError("rename", from, errno);
}

void PosixFileSystem::remove(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw IoError("unlink", path, errno);
}

void PosixFileSystem::remove_directory(const std::filesystem::path& path) {
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) throw IoError("rmdir", path, errno);
}

void PosixFileSystem::sync_directory(const std::filesystem::path& directory) {
  const Descriptor descriptor(open_retrying(directory, O_RDONLY | O_DIRECTORY));
  if (descriptor.get() < 0) throw IoError("open", directory, errno);
  if (::fsync(descriptor.get()) != 0) throw IoError("fsync", directory, errno);
}

std::unique_ptr<WholeSync> PosixFileSystem::whole_sync(const std::filesystem::path& directory) {
  return make_whole_sync(directory);
}

std::int64_t PosixFileSystem::size_of(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return status.st_size;
  if (errno == ENOENT) return -1;
  throw IoError("stat", path, errno);
}

std::unique_ptr<FolderLock> PosixFileSystem::lock(const std::filesystem::path& path) {
  Descriptor descriptor(open_retrying(path, O_RDWR | O_CREAT));
  if (descriptor.get() < 0) throw IoError("open", path, errno);
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    throw IoError("lock", path, errno);
  }
  return std::make_unique<PosixLock>(std::move(descriptor));
}

std::unique_ptr<FolderLock> PosixFileSystem::lock_shared(const std::filesystem::path& path) {
  Descriptor descriptor(open_retrying(path, O_RDONLY));
  if (descriptor.get() < 0 && errno != ENOENT) throw IoError("open", path, errno);
  if (descriptor.get() >= 0 && ::flock(descriptor.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    throw IoError("lock", path, errno);
  }
  return std::make_unique<PosixLock>(std::move(descriptor));
}

std::uint64_t PosixFileSystem::room(const std::filesystem::path& directory) {
  struct statvfs status{};
  if (::statvfs(directory.c_str(), &status) != 0) throw IoError("statvfs", directory, errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

std::size_t PosixFileSystem::descriptors_max() const {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 1U << 20;
  return limit.rlim_cur;
}

void PosixFileSystem::random(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::getrandom(into.data() + done, into.size() - done, 0);
    if (got < 0 && errno != EINTR) throw IoError("getrandom", "/dev/urandom", errno);
    if (got > 0) done += static_cast<std::size_t>(got);
  }
}

}  // namespace broker::storage
