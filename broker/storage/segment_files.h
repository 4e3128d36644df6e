// The open descriptors of segment files, bounded, and which files and folders are dirty. Thread-safe: the core thread
// reads, the journal thread writes, the background thread flushes and removes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "broker/storage/file.h"
#include "broker/storage/record.h"

namespace broker::storage {

// One segment's file; its fields belong to SegmentFiles.
struct SegmentFile {
  explicit SegmentFile(std::filesystem::path where) : path(std::move(where)) {}
  const std::filesystem::path path;
  std::shared_ptr<File> open;
  std::uint64_t last_use = 0;
  bool dirty = false;
  bool exists = false;  // made or seen
  bool removed = false;
};

class SegmentFiles {
 public:
  SegmentFiles(FileSystem& fs, std::filesystem::path folder, std::size_t open_max)
      : fs_(fs), folder_(std::move(folder)), open_max_(open_max) {}

  [[nodiscard]] std::shared_ptr<SegmentFile> at(const PartitionRef& partition, Offset base) const;
  [[nodiscard]] std::filesystem::path folder_of(const PartitionRef& partition) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  // Makes the file and its folders when they are missing. No flush: the journal makes them again after a crash.
  void write(const std::shared_ptr<SegmentFile>& segment, std::span<const ConstBuffer> buffers, std::uint64_t position);
  Reservation reserve(const std::shared_ptr<SegmentFile>& segment, std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] std::size_t read(const std::shared_ptr<SegmentFile>& segment, std::span<std::byte> into,
                                 std::uint64_t position);
  // Cuts a longer file; dirty afterwards.
  void truncate(const std::shared_ptr<SegmentFile>& segment, std::uint64_t size);

  // While recovering: a name that is visible may still be lost by a power cut (its maker was killed before the flush),
  // so the folders of every file written are flushed too.
  void distrust_folders(bool distrust);

  // Everything written before the call is durable when it returns, with its folders. A throw poisons the caller.
  void flush_dirty();
  void remove(const std::shared_ptr<SegmentFile>& segment);
  // A topic's folder, with all that is in it.
  void remove_topic(const TopicId& topic);

 private:
  enum class Missing { create, fail };
  std::shared_ptr<File> descriptor(const std::shared_ptr<SegmentFile>& segment, Missing missing);
  std::unique_ptr<File> open_retrying(const std::filesystem::path& path, OpenMode mode);
  std::unique_ptr<File> create(const std::filesystem::path& path);
  void mark_dirty(const std::shared_ptr<SegmentFile>& segment);
  void close_least_used(std::size_t keep, bool dirty_too);

  FileSystem& fs_;
  const std::filesystem::path folder_;
  const std::size_t open_max_;

  std::mutex mutex_;  // guards all below and the fields of every SegmentFile
  std::uint64_t uses_ = 0;
  bool distrust_folders_ = false;
  std::vector<std::shared_ptr<SegmentFile>> open_;
  std::vector<std::shared_ptr<SegmentFile>> dirty_;
  std::set<std::filesystem::path> dirty_folders_;
};

}  // namespace broker::storage
