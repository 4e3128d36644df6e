// From text to a folder.
#include "tests/unit/storage/old_folder.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace broker::storage::test {
namespace {

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

void make_folders(FileSystem& fs, const std::filesystem::path& folder, const std::filesystem::path& inside) {
  auto path = folder;
  fs.make_directory(path);
  fs.sync_directory(path.parent_path());
  for (const auto& part : inside) {
    path /= part;
    fs.make_directory(path);
    fs.sync_directory(path.parent_path());
  }
}

}  // namespace

void write_folder_of_format_1(FileSystem& fs, const std::filesystem::path& folder) {
  const char* source = std::getenv("OUTBOX_SOURCE");
  const auto text = std::filesystem::path(source != nullptr ? source : ".") / "tests/unit/storage/folder_format_1.txt";
  std::ifstream lines(text);
  if (!lines) throw std::runtime_error("no file " + text.string());
  std::unique_ptr<File> file;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string first;
    std::string second;
    words >> first >> second;
    if (first != "file") {
      file->pwrite(from_hex(second), std::stoull(first, nullptr, 16));
      file->fsync();
      continue;
    }
    std::uint64_t size = 0;
    words >> size;
    make_folders(fs, folder, std::filesystem::path(second).parent_path());
    file = fs.open(folder / second, OpenMode::create_new);
    const std::byte zero{};
    if (size > 0) file->pwrite({&zero, 1}, size - 1);
    file->fsync();
    fs.sync_directory((folder / second).parent_path());
  }
}

}  // namespace broker::storage::test
