// How large the disk under a folder is, and how much of it is left.
#pragma once

#include <filesystem>
#include <optional>

#include "broker/core/disk_watch.h"

namespace broker {

// One system call. None: it failed.
[[nodiscard]] std::optional<core::DiskSpace> look_at_disk(const std::filesystem::path& folder);

}  // namespace broker
