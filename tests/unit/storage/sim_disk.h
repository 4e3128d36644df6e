// A simulated disk under the storage. It keeps what was flushed and, at a power cut, a random part of the rest: sectors
// of 512 bytes survive or not one by one (in any version written since the flush), sizes and directory entries too. A
// failed flush leaves pages that can be read and are never written again, as Linux does. A process may be killed at any
// call, in the middle of it. Everything follows from the seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker/storage/file.h"

namespace broker::storage::test {

// The process ends here. No std::exception: nothing on the way may catch it.
struct SimCrash {};

struct SimInode {
  static constexpr std::size_t kSector = 512;
  using Sector = std::array<std::byte, kSector>;
  std::vector<std::byte> now;  // what a read sees
  std::vector<std::byte> durable;
  std::map<std::uint64_t, std::vector<Sector>> dirty;  // every version of a sector since the last flush
  std::vector<std::uint64_t> sizes;                    // every size since the last flush
  std::uint64_t reserved = 0;
  bool write_failed = false;  // a write-back of it failed, and its descriptors were not told yet
};

struct SimFolder;
struct SimEntry {
  std::shared_ptr<SimInode> file;  // one of the two
  std::shared_ptr<SimFolder> folder;
};
struct SimFolder {
  // One change of names: a rename erases and sets at once.
  struct Change {
    std::string erase;
    std::string set;
    SimEntry entry;
  };
  std::map<std::string, SimEntry> now;
  std::map<std::string, SimEntry> durable;
  std::vector<Change> changes;  // since the last flush of this folder
};

class SimDisk {
 public:
  explicit SimDisk(std::uint64_t seed);

  // A new process's view. Valid until kill() or power_cut().
  std::unique_ptr<FileSystem> mount();

  // Faults. The n-th changing call from now on ends the process, in its middle; 0: never.
  void crash_after(std::uint64_t calls) { crash_at_ = calls == 0 ? 0 : calls_ + calls; }
  // The n-th flush of a file from now on fails with EIO; 0: never.
  void fail_flush_after(std::uint64_t flushes) { fail_flush_at_ = flushes == 0 ? 0 : flushes_ + flushes; }
  // So many of a hundred flushes of the whole disk fail, and with them some of the files that had something to write.
  void set_whole_flush_fails(int percent) { whole_flush_fails_ = percent; }
  [[nodiscard]] std::uint64_t whole_flushes() const { return whole_flushes_; }
  // Sabotage: flushes of files in this folder say yes and do nothing.
  void lie_on_flush_in(const std::filesystem::path& folder) { lies_in_ = folder; }
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  // So many of a hundred reads that must not wait find everything in memory.
  void set_cached_percent(int percent) { cached_percent_ = percent; }
  // Called in the middle of every write to a file whose path ends so, before its bytes are there.
  void on_write(std::string suffix, std::function<void()> call) {
    on_write_suffix_ = std::move(suffix);
    on_write_ = std::move(call);
  }
  // No process may have more files open; 0: as many as it likes.
  void set_descriptors_max(std::size_t descriptors) { descriptors_max_ = descriptors; }
  [[nodiscard]] std::size_t descriptors() const { return *descriptors_; }

  // The process is gone, the page cache stays.
  void kill();
  // And the page cache is gone too.
  void power_cut();

  [[nodiscard]] std::uint64_t read_bytes() const { return read_bytes_; }
  [[nodiscard]] std::uint64_t writeback_bytes() const { return writeback_bytes_; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t flushes() const { return flushes_; }
  [[nodiscard]] std::uint64_t room() const;
  [[nodiscard]] std::uint64_t used_bytes() const { return used(*root_); }
  // The file's bytes both in the cache and on the disk, for damage on purpose; null: no such file.
  [[nodiscard]] std::shared_ptr<SimInode> inode(const std::filesystem::path& path);
  [[nodiscard]] std::mt19937_64& random() { return random_; }

 private:
  friend class SimFileSystem;
  friend class SimFile;
  friend class SimWholeSync;

  [[nodiscard]] bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  // Counts a changing call; true: the process ends in this one.
  [[nodiscard]] bool crashes_now();
  void check_alive(std::uint64_t process) const;
  void flush(SimInode& inode, int percent);
  void fail_flush(SimInode& inode);
  void flush(SimFolder& folder, const std::filesystem::path& path, int percent);
  void fail_flush(SimFolder& folder);
  void cut(SimInode& inode);
  void cut(SimFolder& folder);
  [[nodiscard]] std::uint64_t used(const SimFolder& folder) const;
  [[nodiscard]] std::shared_ptr<SimFolder> folder(const std::filesystem::path& path) const;

  std::mt19937_64 random_;
  std::shared_ptr<SimFolder> root_ = std::make_shared<SimFolder>();
  std::set<std::string> locks_;
  std::uint64_t process_ = 1;
  std::uint64_t calls_ = 0;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t writeback_bytes_ = 0;  // asked for in pieces
  std::uint64_t crash_at_ = 0;
  std::uint64_t flushes_ = 0;
  std::uint64_t fail_flush_at_ = 0;
  std::uint64_t whole_flushes_ = 0;
  int whole_flush_fails_ = 0;
  std::uint64_t capacity_ = 1ULL << 40;
  int cached_percent_ = 100;
  std::string on_write_suffix_;
  std::function<void()> on_write_;
  std::size_t descriptors_max_ = 0;
  std::shared_ptr<std::size_t> descriptors_ = std::make_shared<std::size_t>(0);  // of the present process
  int keep_percent_ = 50;  // of what was not flushed, at the present power cut
  std::filesystem::path lies_in_;
};

}  // namespace broker::storage::test
