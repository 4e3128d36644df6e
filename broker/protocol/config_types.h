// What the configuration APIs have in common: whose setting, where its value comes from, what kind it is.
#pragma once

#include <cstdint>

namespace broker::protocol {

enum class ConfigResource : std::int8_t { unknown = 0, topic = 2, broker = 4, broker_logger = 8 };
enum class ConfigSource : std::int8_t {
  unknown = 0,
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  dynamic_broker_logger = 6,
  absent = -1,
};
enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };  // remove: to the default
enum class ConfigType : std::int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  real = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

}  // namespace broker::protocol
