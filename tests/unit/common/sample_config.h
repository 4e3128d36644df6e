// A small program's configuration, with every kind of key, for the tests of common/config.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/bind.h"
#include "common/config/load.h"
#include "common/config/print.h"

namespace sample {

enum class Colour { red, green };

struct Pump {
  std::string name;
  std::int64_t speed = 0;
  std::chrono::milliseconds pause{};
  common::config::Properties extra;
};

struct House {
  common::ByteSize room;
  double factor = 0;
  bool lit = false;
  Colour colour = Colour::red;
  std::vector<std::string> guests;
  std::string secret;
  std::chrono::milliseconds derived{};
};

struct Root {
  std::vector<Pump> pumps;
  House house;
};

common::config::Schema schema();

// Loads, and throws what is wrong. Variables: SET = "value", EMPTY = "".
Root load(std::string_view text);
// What load throws; "no error" when it does not.
std::string error_of(std::string_view text);
common::config::Environment environment();

}  // namespace sample
