// Collecting and telling what is wrong with a configuration.
#include "common/config/report.h"

#include <algorithm>

namespace common::config {
namespace {

constexpr std::size_t kFindingsShown = 20;

// "source[0].dsn" → "source.dsn": the line says which one.
std::string without_indexes(const std::string& path) {
  std::string out;
  bool inside = false;
  for (const char c : path) {
    if (c == '[') inside = true;
    if (!inside) out += c;
    if (c == ']') inside = false;
  }
  return out;
}

}  // namespace

std::string place_prefix(const std::string& file, Place place) {
  if (place.line == 0) return file + ": ";
  return file + ':' + std::to_string(place.line) + ':' + std::to_string(place.column) + ": ";
}

Place Report::nearest_place(std::string path) const {
  for (;;) {
    const auto found = places_.find(path);
    if (found != places_.end()) return found->second;
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) return {};
    path.resize(dot);
  }
}

void Report::add(const std::string& path, const std::string& sentence) {
  findings_.emplace_back(nearest_place(path), without_indexes(path) + ": " + sentence);
}

void Report::throw_if_any() const {
  if (findings_.empty()) return;
  auto sorted = findings_;
  std::ranges::sort(sorted);
  std::string lines;
  for (std::size_t i = 0; i < sorted.size() && i < kFindingsShown; ++i) {
    if (i > 0) lines += '\n';
    lines += place_prefix(file_, sorted[i].first) + sorted[i].second;
  }
  if (sorted.size() > kFindingsShown) {
    lines += '\n' + file_ + ": and " + std::to_string(sorted.size() - kFindingsShown) + " more";
  }
  throw Error(lines);
}

}  // namespace common::config
