// An input of the target "journal", read as a script that writes a journal: records as the bytes say, in frames whose
// lengths, sequences and checksums are right (nothing else would get past the first check), then damage on purpose.
//
//   input  = crash u8, kind u8, step*
//   step   = op u8, what belongs to it. op & 15:
//     0        ends the frame
//     1 … 14   a record of that type: length u16, body
//     15       op >> 4: 0 … 7 a good append: topic u8, partition u8, count u8, flags u8, payload u16, producer u8,
//              sequence u16; 8, 9 ends the frame and the file; 10 … 14 damage: file u8, byte u16, xor u8;
//              15 an empty frame, as a mark is
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "broker/storage/checkpoint.h"
#include "broker/storage/journal_format.h"
#include "broker/storage/superblock.h"
#include "tests/fuzz/input.h"

namespace fuzz {

namespace storage = broker::storage;

inline constexpr std::uint64_t kJournalFileBytes = 32 << 10;
inline constexpr int kJournalFilesMax = 4;

struct Damage {
  std::size_t file = 0;
  std::uint64_t at = 0;
  std::byte change{0};
};

// Where a frame or a file's header lies, without what pads it.
struct Place {
  std::size_t file = 0;
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  [[nodiscard]] bool holds(const Damage& damage) const {
    return damage.file == file && damage.at >= at && damage.at < at + bytes;
  }
};

class JournalScript {
 public:
  // `from`: the checkpoint that the journal follows. Frames beyond `frames_max` are left out.
  JournalScript(Bytes bytes, const storage::Superblock& superblock, const storage::JournalPosition& from,
                std::size_t frames_max);

  // The files' bytes, before the damage.
  [[nodiscard]] const std::vector<std::vector<std::byte>>& files() const { return files_; }
  [[nodiscard]] const std::vector<Place>& frames() const { return frames_; }
  [[nodiscard]] const std::vector<Damage>& damage() const { return damage_; }
  [[nodiscard]] std::uint64_t crash_at() const { return crash_at_; }
  [[nodiscard]] bool power_cut() const { return power_cut_; }

 private:
  struct LogEnd {
    std::int64_t end = 0;
    std::int64_t segment = 0;
    std::uint64_t position = 0;
  };
  void run(Input& input);
  void raw_record(std::uint8_t type, Bytes body);
  void append(Input& input);
  void note(std::uint8_t type, Bytes body);
  void end_frame(bool even_empty);
  void end_file();

  const storage::Superblock& superblock_;
  const std::size_t frames_max_;
  storage::JournalPosition position_;
  std::uint64_t crash_at_ = 0;
  bool power_cut_ = false;
  std::vector<std::vector<std::byte>> files_;
  std::vector<Place> frames_;
  std::vector<Damage> damage_;
  std::map<storage::PartitionRef, LogEnd> ends_;
  std::vector<std::byte> meta_;  // of the frame that is being written
  std::vector<std::byte> data_;
  std::uint32_t count_ = 0;
};

}  // namespace fuzz
