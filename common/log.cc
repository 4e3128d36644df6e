// Log lines: one event and its fields, through spdlog's compiled library to stderr. Values are escaped, so that no
// text from outside can start a line of its own.
#include "common/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <memory>

#include "common/text.h"

namespace common::log {
namespace {

// The one mutable global: whoever logs should not have to be handed a logger through every constructor.
// Written by configure() before threads start, only read afterwards.
struct State {
  bool json = false;
  std::shared_ptr<spdlog::logger> logger;
};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

State make_state(Level level, Format format) {
  State state;
  state.json = format == Format::json || (format == Format::automatic && isatty(STDERR_FILENO) == 0);
  state.logger = std::make_shared<spdlog::logger>("outbox", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  state.logger->set_pattern(state.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
                            spdlog::pattern_time_type::utc);
  state.logger->set_level(spdlog_level(level));
  return state;
}

State& state() {
  static State instance = make_state(Level::info, Format::automatic);
  return instance;
}

// JSON has no word for these, and std::to_string has.
bool is_json_bare(std::string_view value) {
  return value.find("nan") == std::string_view::npos && value.find("inf") == std::string_view::npos;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

// The members after the time; the pattern puts the braces around them.
std::string json_line(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string out = "\"level\":\"";
  out += level_name(level);
  out += "\",\"event\":";
  append_json_string(out, event);
  for (const Field& field : fields) {
    out += ',';
    append_json_string(out, field.key);
    out += ':';
    if (field.quoted || !is_json_bare(field.value)) {
      append_json_string(out, field.value);
    } else {
      out += field.value;
    }
  }
  return out;
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '\\' || c == '=') return true;
  }
  return false;
}

std::string text_line(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string out(level_name(level));
  out.resize(6, ' ');
  append_json_escaped(out, event);
  for (const Field& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    if (needs_quotes(field.value)) {
      append_json_string(out, field.value);
    } else {
      out += field.value;
    }
  }
  return out;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const State& current = state();
  const auto wanted = spdlog_level(level);
  if (!current.logger->should_log(wanted)) return;
  const std::string line = current.json ? json_line(level, event, fields) : text_line(level, event, fields);
  current.logger->log(wanted, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void configure(Level level, Format format) { state() = make_state(level, format); }

void debug(std::string_view event, std::initializer_list<Field> fields) { write(Level::debug, event, fields); }
void info(std::string_view event, std::initializer_list<Field> fields) { write(Level::info, event, fields); }
void warn(std::string_view event, std::initializer_list<Field> fields) { write(Level::warn, event, fields); }
void error(std::string_view event, std::initializer_list<Field> fields) { write(Level::error, event, fields); }

}  // namespace common::log
