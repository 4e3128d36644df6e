// TOML text → a program's struct, by its table of keys.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/key.h"
#include "common/config/report.h"
#include "common/parsed.h"

namespace common::config {

// A variable of the environment, none when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

// Fills *root (the struct the schema's sections are members of): first every default, then what the file says. Findings
// go to the report it returns, which knows every key's place for the caller's own cross checks: add those, then
// throw_if_any(). Throws Error only when the text is no TOML. Reads no file.
[[nodiscard]] Report load(Schema schema, void* root, const std::string& file, std::string_view text,
                          const Environment& environment);

// The whole file, at most 1 MiB. Throws Error that names it and the way out.
[[nodiscard]] std::string read_config_file(const std::string& path);

// The one line of a secret's file, at most 64 KiB, its trailing newline cut. A relative path starts from the folder of
// `config_file`. The problem names the file, never what is in it.
[[nodiscard]] Parsed<std::string> read_secret_file(const std::string& path, const std::string& config_file);

// ${VAR}, ${VAR:-default} (also when empty), ${VAR:?text} (refused with the text when unset or empty). A bare $ stays.
[[nodiscard]] Parsed<std::string> expand_variables(std::string_view text, const Environment& environment);

// Reads one value of this kind as it would stand in the file, without quotes.
[[nodiscard]] Parsed<Value> parse_value(const Key& key, std::string_view text);

}  // namespace common::config
