// The corpora: one file a target, one input a line, in hexadecimal digits.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/protocol/hex.h"

namespace fuzz {

inline std::vector<std::vector<std::byte>> read_corpus(const std::filesystem::path& file) {
  std::vector<std::vector<std::byte>> inputs;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#")) inputs.push_back(broker::protocol::from_hex(line));
  }
  return inputs;
}

}  // namespace fuzz
