// The journal's files: made ahead (filled with real zeros, because a flush into them then changes no metadata), taken
// one after the other, and free again once a checkpoint has passed them. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "broker/storage/file.h"
#include "broker/storage/journal_format.h"
#include "broker/storage/superblock.h"

namespace broker::storage {

struct JournalFile {
  int number = 0;
  std::filesystem::path path;
  std::unique_ptr<File> file;
  std::uint64_t bytes = 0;
  std::uint64_t generation = 0;  // 0: never used
  bool damaged = false;          // its header proves nothing
  std::uint64_t first_sequence = 0;
  std::uint32_t previous_crc = 0;
};

// A file that lies there, with what its header says.
[[nodiscard]] std::shared_ptr<JournalFile> open_journal_file(FileSystem& fs, const std::filesystem::path& path,
                                                             OpenMode mode, const Superblock& superblock);
// All of a journal, to be read only; in order of numbers.
[[nodiscard]] std::vector<std::shared_ptr<JournalFile>> open_journal_to_read(FileSystem& fs,
                                                                             const std::filesystem::path& folder,
                                                                             const Superblock& superblock);

class JournalFiles {
 public:
  // `file_bytes`: of files made from now on; what lies there keeps its size until it is free.
  JournalFiles(FileSystem& fs, std::filesystem::path folder, const Superblock& superblock, std::uint64_t file_bytes);

  // Opens what is there; leftovers of an unfinished preparation are removed. Before any other call.
  void open_all();
  [[nodiscard]] std::vector<std::shared_ptr<JournalFile>> all() const;

  // Makes one file of `bytes`, durable when it returns.
  void make(std::uint64_t bytes);
  // One file that is wanting or has another size than configured; false: nothing to do. Background thread.
  bool prepare_one();
  // Lets prepare_one make one file more than usual, for frames of `bytes`.
  void want_more(std::uint64_t bytes);

  // A free file with room for a frame of `frame_bytes`, now of this generation; null: there is none.
  std::shared_ptr<JournalFile> take(std::uint64_t frame_bytes, std::uint64_t generation);
  // All files of generations before this one are free.
  void release_before(std::uint64_t generation);
  [[nodiscard]] std::uint64_t newest_generation() const;

 private:
  void make_file(int number, std::uint64_t bytes);

  FileSystem& fs_;
  const std::filesystem::path folder_;
  const Superblock superblock_;
  const std::uint64_t file_bytes_;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<JournalFile>> files_;  // guarded by mutex_, in order of numbers
  std::uint64_t free_before_ = 0;                    // guarded by mutex_
  std::uint64_t wanted_bytes_ = 0;                   // guarded by mutex_; 0: nothing special
};

}  // namespace broker::storage
