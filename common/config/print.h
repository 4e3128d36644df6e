// A program's table of keys as text for people: what is set, a first file, the README's table.
#pragma once

#include <string>

#include "common/config/key.h"

namespace common::config {

// Every key with its value in TOML, secrets redacted. It parses again, apart from what was redacted.
[[nodiscard]] std::string show(Schema schema, const void* root);

// A first file: every section and key with a word on what it is for, defaults commented out, required keys with a
// sample.
[[nodiscard]] std::string initial_file(Schema schema, std::string_view heading);

// A Markdown table for each section: key, default, range, meaning.
[[nodiscard]] std::string markdown(Schema schema);

// "from 2s to 1h", "at least 2s", "\"hold\" or \"skip\""; empty: anything.
[[nodiscard]] std::string range_text(const Key& key);

// For More::redact: everything.
[[nodiscard]] std::string redact_all(std::string_view name, std::string_view value);

}  // namespace common::config
