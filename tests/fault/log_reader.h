// A fresh consumer that reads a whole topic from offset 0, in no group: what anybody could have seen.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/fault/checker.h"

namespace fault {

struct RawRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::string body;
  std::map<std::string, std::string> headers;
};

// Blocks until every partition was read to its present end. Throws std::runtime_error when the broker does not
// answer within a minute.
std::vector<RawRecord> read_raw_log(const std::string& bootstrap_servers, const std::string& topic);

// The same for the workload's records, whose bodies are their numbers.
std::vector<LoggedRecord> read_log(const std::string& bootstrap_servers, const std::string& topic);

}  // namespace fault
