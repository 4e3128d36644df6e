// The one place that knows toml++ (a costly header): text → Node.
//
// Some broken files (a stray byte where a key should begin) meet an assertion inside toml++ 3.3, which aborts in a
// debug build and is not there in a release build. Here it is an exception in both, and the file is refused.
#include <stdexcept>

namespace {
[[noreturn]] void parser_gave_up() { throw std::logic_error("there is a character where none can be read"); }
}  // namespace

#undef NDEBUG
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : parser_gave_up())
#include <toml++/toml.h>

#include "common/config/node.h"
#include "common/config/report.h"
#include "common/text.h"

namespace common::config {
namespace {

Place place_of(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

// toml++ refuses nesting beyond 256 levels, which bounds this recursion.
Node convert(const toml::node& source) {
  Node node;
  node.place = place_of(source.source());
  if (const auto* table = source.as_table()) {
    node.kind = Node::Kind::table;
    for (const auto& [key, value] : *table) {
      node.members.push_back({std::string(key.str()), place_of(key.source()), convert(value)});
    }
  } else if (const auto* array = source.as_array()) {
    node.kind = Node::Kind::array;
    for (const auto& item : *array) node.items.push_back(convert(item));
  } else if (const auto* text = source.as_string()) {
    node.kind = Node::Kind::string;
    node.text = text->get();
  } else if (const auto* integer = source.as_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = integer->get();
  } else if (const auto* real = source.as_floating_point()) {
    node.kind = Node::Kind::real;
    node.real = real->get();
  } else if (const auto* flag = source.as_boolean()) {
    node.kind = Node::Kind::boolean;
    node.flag = flag->get();
  } else {
    node.kind = Node::Kind::date;
  }
  return node;
}

}  // namespace

Node parse_toml(const std::string& file, std::string_view text) {
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    std::string line = place_prefix(file, place_of(error.source()));
    line += "no valid TOML: ";
    append_json_escaped(line, error.description());
    throw Error(line);
  } catch (const std::logic_error& error) {
    throw Error(place_prefix(file, {}) + "no valid TOML: " + error.what());
  }
}

}  // namespace common::config
