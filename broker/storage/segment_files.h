// The open descriptors of segment files, bounded, and which files and folders are dirty. Thread-safe: the core thread
// and the reader read, the journal thread writes, the background thread flushes and removes.
//
// A file with bytes that are not flushed is never closed: the kernel tells a failed write-back to descriptors that were
// open at the time, and may have forgotten it for later ones. So when the bound is reached and every descriptor is
// dirty, the writer flushes the least used ones before it closes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "broker/storage/file.h"
#include "broker/storage/record.h"

namespace broker::storage {

// One segment's file; all but the path belongs to SegmentFiles.
struct SegmentFile {
  explicit SegmentFile(std::filesystem::path where) : path(std::move(where)) {}
  const std::filesystem::path path;
  std::shared_ptr<File> open;
  std::list<std::shared_ptr<SegmentFile>>::iterator place;  // in the list of open files; while it is open
  std::uint64_t writes = 0;                                 // returned
  std::uint32_t writing = 0;                                // begun and not returned
  std::uint64_t written_back = 0;                           // up to here the kernel was asked to begin writing
  bool dirty = false;                                       // written since its last flush, so it is open
  bool exists = false;                                      // made or seen
  bool removed = false;
  bool folders_noted = false;  // distrusted and already on the list of dirty folders
};

class SegmentFiles {
 public:
  // The folder is there. `open_max`: descriptors kept; a reader may go one beyond. `together_from`: so many files and
  // folders are flushed in one go, where the file system can.
  SegmentFiles(FileSystem& fs, std::filesystem::path folder, std::size_t open_max, std::size_t together_from = 64)
      : fs_(fs),
        folder_(std::move(folder)),
        together_from_(together_from),
        whole_(fs.whole_sync(folder_)),
        open_max_(open_max) {}

  [[nodiscard]] std::shared_ptr<SegmentFile> at(const PartitionRef& partition, Offset base) const;
  [[nodiscard]] std::filesystem::path folder_of(const PartitionRef& partition) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] FileSystem& file_system() const { return fs_; }

  // Journal thread. Makes the file and its folders when they are missing. No flush of what it writes: the journal makes
  // it again after a crash.
  void write(const std::shared_ptr<SegmentFile>& segment, std::span<const ConstBuffer> buffers, std::uint64_t position);
  // Core thread; waits for no flush.
  Reservation reserve(const std::shared_ptr<SegmentFile>& segment, std::uint64_t offset, std::uint64_t length);
  // May wait for the disk.
  [[nodiscard]] std::size_t read(const std::shared_ptr<SegmentFile>& segment, std::span<std::byte> into,
                                 std::uint64_t position);
  // None: it would have to wait for the disk.
  [[nodiscard]] std::optional<std::size_t> read_cached(const std::shared_ptr<SegmentFile>& segment,
                                                       std::span<std::byte> into, std::uint64_t position);
  // Cuts a longer file; dirty afterwards.
  void truncate(const std::shared_ptr<SegmentFile>& segment, std::uint64_t size);

  // While recovering: a name that is visible may still be lost by a power cut (its maker was killed before the flush),
  // so the folders of every file written are flushed too.
  void distrust_folders(bool distrust);

  // Everything written before the call is durable when it returns, with its folders. A throw poisons the caller; every
  // later call throws too, whoever makes it.
  void flush_dirty();
  // Full pieces of files that nobody has asked the kernel to write yet: one step of asking; false: there are none. So
  // the checkpoint's flush finds little left to do.
  bool start_writeback();
  [[nodiscard]] bool writeback_waits() const;
  void remove(const std::shared_ptr<SegmentFile>& segment);
  // A topic's folder, with all that is in it.
  void remove_topic(const TopicId& topic);

  [[nodiscard]] std::size_t open_count() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  enum class Missing { create, fail };
  enum class Full { flush, exceed };  // when all descriptors are dirty
  struct Writeback {
    std::shared_ptr<File> file;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };

  std::shared_ptr<File> descriptor(Lock& lock, const std::shared_ptr<SegmentFile>& segment, Missing missing, Full full);
  void close_some(Lock& lock, std::size_t keep, Full full);
  void close(const std::shared_ptr<SegmentFile>& segment);
  std::unique_ptr<File> open_retrying(const std::filesystem::path& path, OpenMode mode);
  std::unique_ptr<File> create(const std::filesystem::path& path);
  void begin_write(const std::shared_ptr<SegmentFile>& segment);
  void end_write(const std::shared_ptr<SegmentFile>& segment, std::uint64_t end);
  void flush(const std::shared_ptr<SegmentFile>& segment);
  void flush_each(const std::vector<std::shared_ptr<SegmentFile>>& segments);
  [[nodiscard]] bool flush_together(const std::vector<std::shared_ptr<SegmentFile>>& segments);
  void note_flushed(const std::shared_ptr<SegmentFile>& segment, std::uint64_t writes);

  FileSystem& fs_;
  const std::filesystem::path folder_;
  const std::size_t together_from_;

  std::mutex flushing_;        // one flush at a time, so that a failed one is seen by the next; taken before mutex_
  bool flush_failed_ = false;  // guarded by flushing_
  std::unique_ptr<WholeSync> whole_;  // guarded by flushing_; null: there is none, or it failed once

  mutable std::mutex mutex_;  // guards all below and the fields of every SegmentFile; never held during a flush
  std::size_t open_max_;
  bool distrust_folders_ = false;
  std::list<std::shared_ptr<SegmentFile>> clean_;  // open, the one used last first
  std::list<std::shared_ptr<SegmentFile>> dirty_;  // the same
  std::set<std::filesystem::path> dirty_folders_;
  std::vector<Writeback> writeback_;
};

}  // namespace broker::storage
