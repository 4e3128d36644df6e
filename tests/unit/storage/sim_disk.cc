// The simulated disk: the model of what a crash leaves. The calls of the seam: sim_file_system.cc.
#include "tests/unit/storage/sim_disk.h"

#include <algorithm>
#include <cstring>

namespace broker::storage::test {

SimDisk::SimDisk(std::uint64_t seed) : random_(seed) {}

bool SimDisk::crashes_now() {
  ++calls_;
  return crash_at_ != 0 && calls_ >= crash_at_;
}

void SimDisk::check_alive(std::uint64_t process) const {
  if (process != process_) throw SimCrash{};
}

void SimDisk::kill() {
  ++process_;
  descriptors_ = std::make_shared<std::size_t>(0);
  locks_.clear();
  crash_at_ = 0;
  fail_flush_at_ = 0;
}

void SimDisk::power_cut() {
  kill();
  // Nothing of it, all of it, and everything between.
  const std::array<int, 5> shares = {0, 20, 50, 80, 100};
  keep_percent_ = shares[random_() % shares.size()];
  cut(*root_);
}

// What is dirty and chosen goes to the disk; the rest stays dirty.
void SimDisk::flush(SimInode& inode, int percent) {
  // A whole flush brings the size that its data needs, also when only an earlier, failed one knew that it had grown.
  if (percent == 100 || (chance(percent) && !inode.sizes.empty())) {
    inode.durable.resize(inode.now.size());
    inode.sizes.clear();
  }
  for (auto next = inode.dirty.begin(); next != inode.dirty.end();) {
    const std::uint64_t at = next->first * SimInode::kSector;
    if (!chance(percent) || at >= inode.durable.size()) {
      ++next;
      continue;
    }
    const std::size_t bytes = std::min<std::uint64_t>(SimInode::kSector, inode.durable.size() - at);
    std::memcpy(inode.durable.data() + at, next->second.back().data(), bytes);
    next = inode.dirty.erase(next);
  }
  if (percent == 100) inode.dirty.clear();  // what lies behind the end
}

void SimDisk::fail_flush(SimInode& inode) {
  flush(inode, 50);
  inode.dirty.clear();
  if (chance(50)) inode.durable.resize(inode.now.size());
  inode.sizes.clear();
}

// A folder with all that lies in it; percent: as for a file, and the chance that a folder's names are flushed.
void SimDisk::flush(SimFolder& folder, const std::filesystem::path& path, int percent) {
  if (path != lies_in_ && chance(percent)) {
    folder.durable = folder.now;
    folder.changes.clear();
  }
  for (const auto& [name, entry] : folder.now) {
    if (entry.file && path != lies_in_) flush(*entry.file, percent);
    if (entry.folder) flush(*entry.folder, path / name, percent);
  }
}

// Some of the files that have something to write fail; their descriptors are told at their next flush.
void SimDisk::fail_flush(SimFolder& folder) {
  for (const auto& [name, entry] : folder.now) {
    if (entry.folder) fail_flush(*entry.folder);
    if (!entry.file || (entry.file->dirty.empty() && entry.file->sizes.empty()) || chance(50)) continue;
    fail_flush(*entry.file);
    entry.file->write_failed = true;
  }
}

void SimDisk::cut(SimInode& inode) {
  if (!inode.sizes.empty() && chance(keep_percent_)) inode.durable.resize(inode.sizes[random_() % inode.sizes.size()]);
  for (const auto& [sector, versions] : inode.dirty) {
    const std::uint64_t at = sector * SimInode::kSector;
    if (at >= inode.durable.size() || !chance(keep_percent_)) continue;
    // Mostly the last version, now and then one that was overwritten.
    const auto& kept = chance(75) ? versions.back() : versions[random_() % versions.size()];
    std::memcpy(inode.durable.data() + at, kept.data(),
                std::min<std::uint64_t>(SimInode::kSector, inode.durable.size() - at));
  }
  inode.now = inode.durable;
  inode.dirty.clear();
  inode.sizes.clear();
  inode.reserved = 0;
  inode.write_failed = false;
}

void SimDisk::cut(SimFolder& folder) {
  // Half of the time in order, as journaling file systems do; else any of them.
  const bool in_order = chance(50);
  for (const SimFolder::Change& change : folder.changes) {
    if (!chance(keep_percent_)) {
      if (in_order) break;
      continue;
    }
    if (!change.erase.empty()) folder.durable.erase(change.erase);
    if (!change.set.empty()) folder.durable[change.set] = change.entry;
  }
  folder.changes.clear();
  folder.now = folder.durable;
  for (auto& [name, entry] : folder.now) {
    if (entry.file) cut(*entry.file);
    if (entry.folder) cut(*entry.folder);
  }
}

std::uint64_t SimDisk::used(const SimFolder& folder) const {
  std::uint64_t bytes = 0;
  for (const auto& [name, entry] : folder.now) {
    if (entry.file) bytes += std::max<std::uint64_t>(entry.file->now.size(), entry.file->reserved);
    if (entry.folder) bytes += used(*entry.folder);
  }
  return bytes;
}

std::uint64_t SimDisk::room() const {
  const std::uint64_t bytes = used(*root_);
  return bytes >= capacity_ ? 0 : capacity_ - bytes;
}

std::shared_ptr<SimFolder> SimDisk::folder(const std::filesystem::path& path) const {
  std::shared_ptr<SimFolder> at = root_;
  for (const auto& part : path.relative_path()) {
    const auto found = at->now.find(part.string());
    if (found == at->now.end() || !found->second.folder) return nullptr;
    at = found->second.folder;
  }
  return at;
}

std::shared_ptr<SimInode> SimDisk::inode(const std::filesystem::path& path) {
  const auto parent = folder(path.parent_path());
  if (!parent) return nullptr;
  const auto found = parent->now.find(path.filename().string());
  return found == parent->now.end() ? nullptr : found->second.file;
}

}  // namespace broker::storage::test
