// Logging: an event and key=value fields. Info for a change of state, never per message; an error names the
// next action; no payload and no secret. Text on a terminal, JSON lines otherwise (CONTRACTS [log]). To stderr.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace common::log {

enum class Level { debug, info, warn, error };
enum class Format { automatic, text, json };

struct Field {
  std::string_view key;
  std::string value;
  bool quoted = true;  // false: a JSON number or boolean

  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false"), quoted(false) {}
  template <class Number>
    requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>)
  Field(std::string_view name, Number number) : key(name), value(std::to_string(number)), quoted(false) {}
};

// Once, before threads start. Until then: info, automatic.
void configure(Level level, Format format);

// `event` is a short constant phrase ("lease lost"). Thread-safe; blocks only on stderr.
void debug(std::string_view event, std::initializer_list<Field> fields = {});
void info(std::string_view event, std::initializer_list<Field> fields = {});
void warn(std::string_view event, std::initializer_list<Field> fields = {});
void error(std::string_view event, std::initializer_list<Field> fields = {});

}  // namespace common::log
