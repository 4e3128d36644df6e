// statvfs(3).
#include "broker/disk_space.h"

#include <sys/statvfs.h>

namespace broker {

std::optional<core::DiskSpace> look_at_disk(const std::filesystem::path& folder) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) != 0) return std::nullopt;
  // What is kept for the superuser is neither free nor ours: it counts as used, as df does.
  return core::DiskSpace{.free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize,
                         .total_bytes = std::uint64_t{status.f_blocks} * status.f_frsize};
}

}  // namespace broker
