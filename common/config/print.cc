// What is set, a first file, and the README's table, all from the table of keys.
#include "common/config/print.h"

#include <charconv>

#include "common/text.h"

namespace common::config {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

std::string header(const Section& section) {
  const std::string name(section.name);
  return section.repeated ? "[[" + name + "]]" : '[' + name + ']';
}

std::string number_text(double number) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
  std::string text(buffer, result.ptr);
  // TOML wants a point or an exponent in what is no whole number.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ", ";
    out += quoted(item);
  }
  return out + ']';
}

std::string choice_text(const Key& key, std::int64_t number) {
  for (const Choice& choice : key.more.choices) {
    if (choice.value == number) return std::string(choice.text);
  }
  return {};
}

// A value in TOML; properties are no single value and come out empty.
std::string value_text(const Key& key, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return quoted(key.more.redact != nullptr ? key.more.redact(key.name, *text) : *text);
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return key.kind == Kind::choice ? quoted(choice_text(key, *number)) : std::to_string(*number);
  }
  if (const auto* real = std::get_if<double>(&value)) return number_text(*real);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* duration = std::get_if<std::chrono::milliseconds>(&value)) return quoted(format_duration(*duration));
  if (const auto* size = std::get_if<ByteSize>(&value)) return quoted(format_size(*size));
  if (const auto* items = std::get_if<std::vector<std::string>>(&value)) return list_text(*items);
  return {};
}

// A text of the table (default, limit, sample) as it stands in a file.
std::string literal(const Key& key, std::string_view text) {
  switch (key.kind) {
    case Kind::integer:
    case Kind::real:
    case Kind::boolean:
      return std::string(text);
    case Kind::list: {
      std::vector<std::string> items;
      while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        items.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
      }
      return list_text(items);
    }
    default:
      return quoted(text);
  }
}

std::string default_text(const Key& key) {
  if (key.more.required) return "required";
  if (!key.more.note.empty()) return std::string(key.more.note);
  if (key.kind == Kind::properties || (key.fallback.empty() && key.kind != Kind::list)) return "none";
  return '`' + literal(key, key.fallback) + '`';
}

void append_comment(std::string& out, std::string_view text) {
  constexpr std::size_t kWidth = 110;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > kWidth) {
      const std::size_t blank = text.rfind(' ', kWidth);
      if (blank != std::string_view::npos) end = blank;
    }
    out += "# ";
    out += text.substr(0, end);
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_first(std::string& out, const Section& section, const Key& key) {
  const std::string range = range_text(key);
  std::string help(key.help);
  if (!key.more.note.empty()) help += " Default: " + std::string(key.more.note) + '.';
  if (!range.empty()) help += " (" + range + ')';
  append_comment(out, help);
  if (key.kind == Kind::properties) {
    out += "# [" + std::string(section.name) + '.' + std::string(key.name) + "]\n";
    if (!key.more.sample.empty()) out += "# " + std::string(key.more.sample) + '\n';
    return;
  }
  const std::string_view text = key.more.sample.empty() ? key.fallback : key.more.sample;
  out +=
      (key.more.required || key.more.opening ? "" : "# ") + std::string(key.name) + " = " + literal(key, text) + '\n';
}

std::string escaped_cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, "\\");
  return text;
}

}  // namespace

std::string range_text(const Key& key) {
  if (key.kind == Kind::choice) {
    std::vector<std::string> open;
    for (const Choice& choice : key.more.choices) {
      if (choice.unavailable.empty()) open.push_back(quoted(choice.text));
    }
    std::string out;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (i > 0) out += i + 1 == open.size() ? " or " : ", ";
      out += open[i];
    }
    return out;
  }
  if (key.kind == Kind::boolean) return "true or false";
  const auto& [least, most] = std::pair(key.more.least, key.more.most);
  if (!least.empty() && !most.empty()) return "from " + std::string(least) + " to " + std::string(most);
  if (!least.empty()) return "at least " + std::string(least);
  return most.empty() ? "" : "at most " + std::string(most);
}

std::string redact_all(std::string_view, std::string_view value) { return value.empty() ? "" : "(redacted)"; }

std::string show(Schema schema, const void* root) {
  std::string out;
  for (const Section& section : schema) {
    for (std::size_t i = 0; i < section.count(root); ++i) {
      const void* object = section.at(root, i);
      out += (out.empty() ? "" : "\n") + header(section) + '\n';
      for (const Key& key : section.keys) {
        if (key.kind == Kind::unavailable || key.kind == Kind::properties) continue;
        const Value value = key.fetch(object);
        // Not set, and without a default: an empty string would say something else.
        if (key.fallback.empty() && value == Value(std::string())) continue;
        out += std::string(key.name) + " = " + value_text(key, value) + '\n';
      }
      // Tables below a table come after its own keys.
      for (const Key& key : section.keys) {
        if (key.kind != Kind::properties) continue;
        const Value value = key.fetch(object);
        const auto& properties = std::get<Properties>(value);
        if (properties.empty()) continue;
        out += "\n[" + std::string(section.name) + '.' + std::string(key.name) + "]\n";
        for (const auto& [name, text] : properties) {
          out += quoted(name) + " = " + quoted(key.more.redact != nullptr ? key.more.redact(name, text) : text) + '\n';
        }
      }
    }
  }
  return out;
}

std::string initial_file(Schema schema, std::string_view heading) {
  std::string out;
  append_comment(out, heading);
  for (const Section& section : schema) {
    out += '\n';
    append_comment(out, section.help);
    out += header(section) + '\n';
    for (const Key& key : section.keys) {
      if (key.kind != Kind::unavailable) append_first(out, section, key);
    }
  }
  return out;
}

std::string markdown(Schema schema) {
  std::string out;
  for (const Section& section : schema) {
    out += (out.empty() ? "" : "\n") + ("`" + header(section) + "`: " + std::string(section.help)) +
           "\n\n| key | default | range | meaning |\n|---|---|---|---|\n";
    for (const Key& key : section.keys) {
      if (key.kind == Kind::unavailable) continue;
      out += "| `" + std::string(key.name) + "` | " + escaped_cell(default_text(key)) + " | " +
             escaped_cell(range_text(key)) + " | " + escaped_cell(std::string(key.help)) + " |\n";
    }
  }
  return out;
}

}  // namespace common::config
