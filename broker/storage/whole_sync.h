// The real disk's WholeSync: one syncfs, where that can be relied on.
#pragma once

#include <filesystem>
#include <memory>

#include "broker/storage/file.h"

namespace broker::storage {

// For the file system that `directory` lies on. Null: not there, or its syncfs is not known to tell of every failure.
[[nodiscard]] std::unique_ptr<WholeSync> make_whole_sync(const std::filesystem::path& directory);

}  // namespace broker::storage
