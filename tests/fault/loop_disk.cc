// See loop_disk.h. No delayed-allocation flush behind a rename and no commit within the test's time, so that nothing is
// saved by luck.
#include "tests/fault/loop_disk.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "common/error.h"
#include "common/unique_fd.h"
#include "tests/support/process.h"

namespace fault {
namespace {

constexpr unsigned long kExt4Shutdown = 0x8004587d;  // _IOR('X', 125, u32), linux/fs/ext4/ext4.h
constexpr std::uint32_t kNoLogFlush = 2;

void run(std::vector<std::string> argv) {
  const std::string what = argv[0];
  const auto result = test_support::run(std::move(argv));
  if (result.exit.code != 0) throw common::Error(what + ": " + result.error_output);
}

}  // namespace

std::optional<std::string> LoopDisk::missing() {
  if (::geteuid() != 0) return "only root may mount";
  if (!std::filesystem::exists("/dev/loop-control")) return "there are no loop devices here";
  try {
    const LoopDisk tried(16 << 20);
  } catch (const std::exception& failure) {
    return std::string("no ext4 can be mounted over a loop device here: ") + failure.what();
  }
  return std::nullopt;
}

LoopDisk::LoopDisk(std::uint64_t bytes) {
  std::filesystem::create_directory(folder());
  {
    std::ofstream image(folder_ / "image");
  }
  std::filesystem::resize_file(folder_ / "image", bytes);
  run({"mkfs.ext4", "-q", "-F", (folder_ / "image").string()});
  mount();
}

LoopDisk::~LoopDisk() {
  try {
    unmount();
  } catch (const common::Error&) {
    // The mount goes with its last user; the folder stays for him who looks.
  }
}

void LoopDisk::mount() {
  run({"mount", "-t", "ext4", "-o", "loop,noauto_da_alloc,commit=300", (folder_ / "image").string(),
       folder().string()});
}

void LoopDisk::unmount() { run({"umount", folder().string()}); }

void LoopDisk::cut() {
  const common::UniqueFd descriptor(::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t how = kNoLogFlush;
  if (::ioctl(descriptor.get(), kExt4Shutdown, &how) != 0)
    throw common::Error(std::string("EXT4_IOC_SHUTDOWN: ") + std::strerror(errno));
}

void LoopDisk::mount_again() {
  unmount();
  mount();
}

}  // namespace fault
