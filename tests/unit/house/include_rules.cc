// Implements include_rules.h.
#include "tests/unit/house/include_rules.h"

#include <algorithm>
#include <sstream>

#include "common/error.h"
#include "tests/unit/house/source_tree.h"

namespace house {

IncludeRules::IncludeRules(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) throw common::Error("allowed_includes.txt: no colon in: " + line);
    std::string name = trimmed(line.substr(0, colon));
    auto* table = &arrows_;
    if (name.starts_with('=')) table = &generated_;
    if (name.starts_with('<')) table = &libraries_;
    if (table != &arrows_) name = trimmed(name.substr(1));
    std::vector<std::string>& places = (*table)[name];
    std::istringstream words(line.substr(colon + 1));
    for (std::string word; words >> word;) places.push_back(word);
  }
}

std::string IncludeRules::objection(const std::string& file, const std::string& line) const {
  if (!line.starts_with("#include")) return {};
  const std::size_t open = line.find_first_of("\"<");
  if (open == std::string::npos) return "includes a macro";
  const std::size_t close = line.find_first_of("\">", open + 1);
  const std::string included = line.substr(open + 1, close - open - 1);
  return line[open] == '"' ? quoted_objection(file, included) : library_objection(file, included);
}

std::string IncludeRules::module_of(const std::string& path) const {
  std::string longest;
  for (const auto& [folder, allowed] : arrows_) {
    if (lies_in(path, folder) && folder.size() > longest.size()) longest = folder;
  }
  return longest;
}

std::string IncludeRules::quoted_objection(const std::string& file, const std::string& included) const {
  if (const auto entry = generated_.find(included); entry != generated_.end()) {
    return std::ranges::find(entry->second, file) != entry->second.end() ? "" : "only its own file may include it";
  }
  const std::string from = module_of(file);
  const std::string to = module_of(included);
  if (from.empty()) return "its folder is not in cmake/allowed_includes.txt";
  if (to.empty()) return "is not written from the repository's root, or names a folder without an entry";
  if (from == to) return {};
  const std::vector<std::string>& allowed = arrows_.at(from);
  if (std::ranges::find(allowed, to) != allowed.end()) return {};
  return from + " must not know " + to;
}

std::string IncludeRules::library_objection(const std::string& file, const std::string& included) const {
  for (const auto& [prefix, places] : libraries_) {
    if (!included.starts_with(prefix)) continue;
    const auto holds_file = [&](const std::string& place) { return lies_in(file, place); };
    if (!std::ranges::any_of(places, holds_file)) return "this library stays in its place";
  }
  return {};
}

}  // namespace house
