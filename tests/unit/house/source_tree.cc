// Implements source_tree.h.
#include "tests/unit/house/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "tests/support/programs.h"

namespace house {
namespace {

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream) throw common::Error("cannot read " + path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<SourceFile> cpp_files() {
  const std::filesystem::path root = test_support::source_dir();
  std::vector<SourceFile> files;
  for (const char* folder : {"common", "schema", "relay", "broker", "tests"}) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (!entry.is_regular_file() || (extension != ".h" && extension != ".cc")) continue;
      files.push_back({entry.path().lexically_relative(root).generic_string(), read_lines(entry.path())});
    }
  }
  if (files.empty()) throw common::Error("no sources below " + root.string());
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

std::vector<std::string> rule_lines(const std::string& path) {
  std::vector<std::string> lines = read_lines(test_support::source_dir() / path);
  std::erase_if(lines, [](const std::string& line) { return trimmed(line).empty() || line.starts_with('#'); });
  return lines;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool lies_in(const std::string& path, const std::string& folder_or_file) {
  return path == folder_or_file || path.starts_with(folder_or_file + "/");
}

}  // namespace house
