// An ext4 of a test's own in a file, whose power can be cut: EXT4_IOC_SHUTDOWN ends all writing at once, and what was
// not flushed is gone. Needs root and a loop device.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/temp_dir.h"

namespace fault {

class LoopDisk {
 public:
  // Makes and mounts it. Throws common::Error.
  explicit LoopDisk(std::uint64_t bytes);
  ~LoopDisk();  // unmounts; nobody may use it any more
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;

  // What is missing here to have one; none: nothing.
  [[nodiscard]] static std::optional<std::string> missing();

  [[nodiscard]] std::filesystem::path folder() const { return folder_ / "mount"; }
  // From here on nothing reaches the disk, and all calls fail.
  void cut();
  // When nobody holds it any more: as after the power came back.
  void mount_again();

 private:
  void mount();
  void unmount();

  test_support::TempDir folder_;
};

}  // namespace fault
