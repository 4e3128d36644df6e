// A fresh consumer that reads a whole topic from offset 0, in no group: what anybody could have seen.
#pragma once

#include <string>
#include <vector>

#include "tests/fault/checker.h"

namespace fault {

// Blocks until every partition was read to its present end. A record's body is its number. Throws std::runtime_error
// when the broker does not answer within a minute.
std::vector<LoggedRecord> read_log(const std::string& bootstrap_servers, const std::string& topic);

}  // namespace fault
