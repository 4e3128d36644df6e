// syncfs, and when its yes is one.
//
// A failed write-back is noted at the file and at its file system; since Linux 5.8 syncfs tells it to every descriptor
// that was open by then, and since 5.17 what the file system's own sync said too. Older kernels are silent. Of file
// systems only those that keep all of this themselves count: an overlay's or a network's file system passes the data
// on, and what fails there need not come back.
#include "broker/storage/whole_sync.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace broker::storage {

namespace {

constexpr std::pair<int, int> kTellsAllSince{5, 17};
constexpr long kXfsMagic = 0x58465342;  // linux/magic.h does not have it
constexpr std::array<long, 3> kTellingFileSystems{EXT4_SUPER_MAGIC, kXfsMagic, BTRFS_SUPER_MAGIC};

bool kernel_tells() {
  utsname system{};
  std::pair<int, int> version{0, 0};
  return ::uname(&system) == 0 && std::sscanf(system.release, "%d.%d", &version.first, &version.second) == 2 &&
         version >= kTellsAllSince;
}

class PosixWholeSync final : public WholeSync {
 public:
  explicit PosixWholeSync(int descriptor) : descriptor_(descriptor) {}
  ~PosixWholeSync() override { ::close(descriptor_); }
  PosixWholeSync(const PosixWholeSync&) = delete;
  PosixWholeSync& operator=(const PosixWholeSync&) = delete;

  bool flush() override { return ::syncfs(descriptor_) == 0; }

 private:
  const int descriptor_;
};

}  // namespace

std::unique_ptr<WholeSync> make_whole_sync(const std::filesystem::path& directory) {
  if (!kernel_tells()) return nullptr;
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  auto sync = std::make_unique<PosixWholeSync>(descriptor);
  struct statfs status{};
  const bool tells = ::fstatfs(descriptor, &status) == 0 &&
                     std::ranges::find(kTellingFileSystems, status.f_type) != kTellingFileSystems.end();
  if (!tells) return nullptr;
  return sync;
}

}  // namespace broker::storage
