// One value of a key: read from the file's node, held against its range. Used by load.cc.
#pragma once

#include <string>

#include "common/config/key.h"
#include "common/config/load.h"
#include "common/config/node.h"
#include "common/parsed.h"

namespace common::config {

// The node's value after ${VAR}, of the key's kind. The range is not looked at.
[[nodiscard]] Parsed<Value> node_value(const Key& key, const Node& node, const Environment& environment);

// Why the value lies outside the key's range; empty: it does not.
[[nodiscard]] std::string range_problem(const Key& key, const Value& value);

}  // namespace common::config
