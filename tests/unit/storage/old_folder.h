// A data folder that an older program left behind, kept as text, so that newer ones can be shown to open it.
#pragma once

#include <filesystem>

#include "broker/storage/file.h"

namespace broker::storage::test {

// Writes folder_format_1.txt out, durable. What is in it stands in its head.
void write_folder_of_format_1(FileSystem& fs, const std::filesystem::path& folder);

}  // namespace broker::storage::test
