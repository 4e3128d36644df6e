// What is wrong with a configuration: every finding with file, line, column and the way out, told at once.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/config/node.h"
#include "common/error.h"

namespace common::config {

// Exit code 78. what() has one line for each finding, in the order of the file, without secrets.
class Error : public common::Error {
 public:
  explicit Error(const std::string& lines) : common::Error(lines, false, ExitCode::configuration) {}
};

// Where each key stood, and what was found. Paths: "lease.ttl", "source[0].dsn", "sink[0].properties.acks",
// "source[1]".
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] const std::string& file() const { return file_; }
  void set_place(const std::string& path, Place place) { places_[path] = place; }
  // True: it stood in the file. False: its value is the default.
  [[nodiscard]] bool given(const std::string& path) const { return places_.contains(path); }

  // A finding about a path, which opens the sentence (without indexes); the place is the path's, or the nearest
  // parent's.
  void add(const std::string& path, const std::string& sentence);
  // A whole sentence at a place.
  void add_at(Place place, const std::string& sentence) { findings_.emplace_back(place, sentence); }
  [[nodiscard]] bool empty() const { return findings_.empty(); }
  // Throws Error with everything found; the first 20 in full.
  void throw_if_any() const;

 private:
  [[nodiscard]] Place nearest_place(std::string path) const;

  std::string file_;
  std::map<std::string, Place> places_;
  std::vector<std::pair<Place, std::string>> findings_;
};

// "relay.toml:7:3: " or "relay.toml: ".
[[nodiscard]] std::string place_prefix(const std::string& file, Place place);

}  // namespace common::config
