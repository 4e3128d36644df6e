// The seam's calls on the simulated disk. A crash in a call leaves it done, undone, or done in part.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/unit/storage/sim_disk.h"

namespace broker::storage::test {

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::uint64_t process, std::shared_ptr<SimInode> inode, std::filesystem::path path)
      : disk_(disk),
        process_(process),
        descriptors_(disk.descriptors_),
        inode_(std::move(inode)),
        path_(std::move(path)) {
    ++*descriptors_;
  }
  ~SimFile() override { --*descriptors_; }
  SimFile(const SimFile&) = delete;
  SimFile& operator=(const SimFile&) = delete;

  void pwritev(std::span<const ConstBuffer> buffers, std::uint64_t offset) override {
    disk_.check_alive(process_);
    if (disk_.on_write_ && path_.string().ends_with(disk_.on_write_suffix_)) disk_.on_write_();
    std::vector<std::byte> bytes;
    for (const ConstBuffer buffer : buffers) bytes.insert(bytes.end(), buffer.begin(), buffer.end());
    if (disk_.crashes_now()) {
      bytes.resize(disk_.random_() % (bytes.size() + 1));
      put(bytes, offset);
      throw SimCrash{};
    }
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t held = std::max<std::uint64_t>(inode_->now.size(), inode_->reserved);
    if (end > held && end - held > disk_.room()) throw IoError("write", path_, ENOSPC);
    put(bytes, offset);
  }

  std::size_t pread(std::span<std::byte> into, std::uint64_t offset) override {
    disk_.check_alive(process_);
    if (into.empty() || offset >= inode_->now.size()) return 0;
    const std::size_t bytes = std::min<std::uint64_t>(into.size(), inode_->now.size() - offset);
    std::memcpy(into.data(), inode_->now.data() + offset, bytes);
    disk_.read_bytes_ += bytes;
    return bytes;
  }

  std::optional<std::size_t> pread_cached(std::span<std::byte> into, std::uint64_t offset) override {
    if (!disk_.chance(disk_.cached_percent_)) return std::nullopt;
    return pread(into, offset);
  }

  void fdatasync() override {
    disk_.check_alive(process_);
    ++disk_.flushes_;
    const bool lies = path_.parent_path() == disk_.lies_in_;
    if (disk_.crashes_now()) {
      if (!lies) disk_.flush(*inode_, disk_.chance(30) ? 100 : 50);
      throw SimCrash{};
    }
    if (disk_.fail_flush_at_ != 0 && disk_.flushes_ >= disk_.fail_flush_at_) {
      disk_.fail_flush_at_ = 0;
      disk_.fail_flush(*inode_);
      throw IoError("fdatasync", path_, EIO);
    }
    if (std::exchange(inode_->write_failed, false)) throw IoError("fdatasync", path_, EIO);
    if (!lies) disk_.flush(*inode_, 100);
  }
  void fsync() override { fdatasync(); }

  std::uint64_t size() const override {
    disk_.check_alive(process_);
    return inode_->now.size();
  }

  void truncate(std::uint64_t size) override {
    disk_.check_alive(process_);
    const bool crash = disk_.crashes_now();
    if (!crash || disk_.chance(50)) {
      inode_->now.resize(size);
      inode_->sizes.push_back(size);
    }
    if (crash) throw SimCrash{};
  }

  Reservation reserve(std::uint64_t offset, std::uint64_t length) override {
    disk_.check_alive(process_);
    const std::uint64_t held = std::max<std::uint64_t>(inode_->now.size(), inode_->reserved);
    if (offset + length > held && offset + length - held > disk_.room()) return Reservation::no_room;
    inode_->reserved = std::max(inode_->reserved, offset + length);
    return Reservation::reserved;
  }
  void start_writeback(std::uint64_t /*offset*/, std::uint64_t length) override { disk_.writeback_bytes_ += length; }

 private:
  void put(ConstBuffer bytes, std::uint64_t offset) {
    if (bytes.empty()) return;
    if (offset + bytes.size() > inode_->now.size()) {
      inode_->now.resize(offset + bytes.size());
      inode_->sizes.push_back(inode_->now.size());
    }
    std::memcpy(inode_->now.data() + offset, bytes.data(), bytes.size());
    constexpr std::uint64_t kSector = SimInode::kSector;
    for (std::uint64_t sector = offset / kSector; sector * kSector < offset + bytes.size(); ++sector) {
      SimInode::Sector copy{};
      const std::uint64_t at = sector * kSector;
      std::memcpy(copy.data(), inode_->now.data() + at, std::min<std::uint64_t>(kSector, inode_->now.size() - at));
      inode_->dirty[sector].push_back(copy);
    }
  }

  SimDisk& disk_;
  const std::uint64_t process_;
  std::shared_ptr<std::size_t> descriptors_;
  std::shared_ptr<SimInode> inode_;
  std::filesystem::path path_;
};

class SimWholeSync final : public WholeSync {
 public:
  explicit SimWholeSync(SimDisk& disk) : disk_(disk), process_(disk.process_) {}

  bool flush() override {
    disk_.check_alive(process_);
    ++disk_.flushes_;
    ++disk_.whole_flushes_;
    if (disk_.crashes_now()) {
      disk_.flush(*disk_.root_, "/", 50);
      throw SimCrash{};
    }
    const bool told = disk_.fail_flush_at_ != 0 && disk_.flushes_ >= disk_.fail_flush_at_;
    if (told || disk_.chance(disk_.whole_flush_fails_)) {
      if (told) disk_.fail_flush_at_ = 0;
      disk_.fail_flush(*disk_.root_);
      return false;
    }
    disk_.flush(*disk_.root_, "/", 100);
    return true;
  }

 private:
  SimDisk& disk_;
  const std::uint64_t process_;
};

class SimLock final : public FolderLock {
 public:
  SimLock(std::set<std::string>& locks, std::uint64_t& process, std::string name)
      : locks_(locks), process_(process), taken_in_(process), name_(std::move(name)) {}
  ~SimLock() override {
    if (process_ == taken_in_) locks_.erase(name_);
  }
  SimLock(const SimLock&) = delete;
  SimLock& operator=(const SimLock&) = delete;

 private:
  std::set<std::string>& locks_;
  std::uint64_t& process_;
  const std::uint64_t taken_in_;
  const std::string name_;
};

class SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(SimDisk& disk) : disk_(disk), process_(disk.process_) {}

  std::unique_ptr<File> open(const std::filesystem::path& path, OpenMode mode) override {
    disk_.check_alive(process_);
    const auto parent = disk_.folder(path.parent_path());
    if (!parent) return nullptr;
    const std::string name = path.filename().string();
    if (disk_.descriptors_max_ > 0 && *disk_.descriptors_ >= disk_.descriptors_max_)
      throw IoError("open", path, EMFILE);
    const auto found = parent->now.find(name);
    if (found != parent->now.end()) {
      if (mode == OpenMode::create_new) throw IoError("open", path, EEXIST);
      return std::make_unique<SimFile>(disk_, process_, found->second.file, path);
    }
    if (mode == OpenMode::read_existing || mode == OpenMode::write_existing) return nullptr;
    const SimEntry entry{std::make_shared<SimInode>(), nullptr};
    change(*parent, {"", name, entry});
    return std::make_unique<SimFile>(disk_, process_, entry.file, path);
  }

  bool make_directory(const std::filesystem::path& path) override {
    disk_.check_alive(process_);
    const auto parent = disk_.folder(path.parent_path());
    if (!parent) throw IoError("mkdir", path, ENOENT);
    if (parent->now.contains(path.filename().string())) return false;
    change(*parent, {"", path.filename().string(), {nullptr, std::make_shared<SimFolder>()}});
    return true;
  }

  std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override {
    disk_.check_alive(process_);
    std::vector<DirectoryEntry> entries;
    if (const auto folder = disk_.folder(directory)) {
      for (const auto& [name, entry] : folder->now) entries.push_back({name, entry.folder != nullptr});
    }
    return entries;
  }

  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    disk_.check_alive(process_);
    const auto parent = disk_.folder(from.parent_path());
    const std::string name = from.filename().string();
    if (!parent || !parent->now.contains(name)) throw IoError("rename", from, ENOENT);
    change(*parent, {name, to.filename().string(), parent->now[name]});
  }

  void remove(const std::filesystem::path& path) override {
    disk_.check_alive(process_);
    const auto parent = disk_.folder(path.parent_path());
    if (parent && parent->now.contains(path.filename().string())) change(*parent, {path.filename().string(), "", {}});
  }

  void remove_directory(const std::filesystem::path& path) override {
    const auto folder = disk_.folder(path);
    if (folder && !folder->now.empty()) throw IoError("rmdir", path, ENOTEMPTY);
    remove(path);
  }

  void sync_directory(const std::filesystem::path& directory) override {
    disk_.check_alive(process_);
    const auto folder = disk_.folder(directory);
    if (!folder) throw IoError("open", directory, ENOENT);
    const bool crash = disk_.crashes_now();
    if (!crash || disk_.chance(50)) {
      folder->durable = folder->now;
      folder->changes.clear();
    }
    if (crash) throw SimCrash{};
  }

  std::unique_ptr<WholeSync> whole_sync(const std::filesystem::path& /*directory*/) override {
    return std::make_unique<SimWholeSync>(disk_);
  }

  std::int64_t size_of(const std::filesystem::path& path) override {
    disk_.check_alive(process_);
    const auto inode = disk_.inode(path);
    return inode ? static_cast<std::int64_t>(inode->now.size()) : -1;
  }

  std::unique_ptr<FolderLock> lock(const std::filesystem::path& path) override {
    disk_.check_alive(process_);
    if (!disk_.locks_.insert(path.string()).second) return nullptr;
    return std::make_unique<SimLock>(disk_.locks_, disk_.process_, path.string());
  }

  std::unique_ptr<FolderLock> lock_shared(const std::filesystem::path& path) override { return lock(path); }

  std::uint64_t room(const std::filesystem::path& /*directory*/) override { return disk_.room(); }

  void random(std::span<std::byte> into) override {
    for (std::byte& byte : into) byte = static_cast<std::byte>(disk_.random_());
  }

 private:
  void change(SimFolder& folder, const SimFolder::Change& change) {
    const bool crash = disk_.crashes_now();
    if (!crash || disk_.chance(50)) {
      if (!change.erase.empty()) folder.now.erase(change.erase);
      if (!change.set.empty()) folder.now[change.set] = change.entry;
      folder.changes.push_back(change);
    }
    if (crash) throw SimCrash{};
  }

  SimDisk& disk_;
  const std::uint64_t process_;
};

std::unique_ptr<FileSystem> SimDisk::mount() { return std::make_unique<SimFileSystem>(*this); }

}  // namespace broker::storage::test
