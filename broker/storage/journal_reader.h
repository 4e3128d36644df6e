// Reads the journal behind a checkpoint, proves every frame, and decides what its end is: a torn tail (cut) or damage
// (refused). Rules: README.md, "Where the journal ends".
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "broker/storage/journal_files.h"

namespace broker::storage {

// A proven frame. The views live until the callback returns.
struct FrameView {
  FrameHeader header;
  ConstBuffer meta;
  ConstBuffer data;
};

struct JournalEnd {
  JournalPosition position;  // after the last frame
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
};

// Calls `each` for every frame after `from`, in order. Throws CorruptError with file and byte when acknowledged frames
// are damaged; `each` may have seen the frames before the damage.
JournalEnd read_journal(std::span<const std::shared_ptr<JournalFile>> files, const Superblock& superblock,
                        const JournalPosition& from, const std::function<void(const FrameView&)>& each);

}  // namespace broker::storage
