// One value, from text or from the file's node, with the range it must lie in.
#include <charconv>
#include <cmath>

#include "common/config/load.h"
#include "common/config/print.h"
#include "common/config/value.h"

namespace common::config {
namespace {

using Result = Parsed<Value>;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

template <class T>
Result wrap(Parsed<T> parsed) {
  if (!parsed) return Result::bad(std::move(parsed.problem));
  return Result::good(Value(*parsed));
}

template <class Number>
Result number_value(std::string_view text, std::string_view what) {
  Number number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) {
    return Result::bad(quoted(text) + " is no " + std::string(what));
  }
  return Result::good(Value(number));
}

Result choice_value(const Key& key, std::string_view text) {
  for (const Choice& choice : key.more.choices) {
    if (choice.text != text) continue;
    if (!choice.unavailable.empty()) {
      return Result::bad(quoted(text) + " is not available in this version; " + std::string(choice.unavailable));
    }
    return Result::good(Value(static_cast<std::int64_t>(choice.value)));
  }
  return Result::bad(quoted(text) + " is none of its values; write " + range_text(key));
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string_view kind_in_words(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::string:
      return "a string";
    case Node::Kind::integer:
      return "a whole number";
    case Node::Kind::real:
      return "a number";
    case Node::Kind::boolean:
      return "true or false";
    case Node::Kind::date:
      return "a date or time";
    case Node::Kind::array:
      return "a list";
    case Node::Kind::table:
      return "a table";
  }
  return "something else";
}

Result wrong_kind(const Key& key, const Node& node) {
  const std::string is = "this is " + std::string(kind_in_words(node.kind)) + "; ";
  switch (key.kind) {
    case Kind::duration:
      return Result::bad(node.kind == Node::Kind::integer
                             ? std::to_string(node.integer) + " has no unit; write a string with one, as in \"" +
                                   std::to_string(node.integer) + "s\" or \"" + std::to_string(node.integer) + "ms\""
                             : is + R"(write a duration with its unit as a string, as in "10s")");
    case Kind::size:
      return Result::bad(node.kind == Node::Kind::integer
                             ? std::to_string(node.integer) + " has no unit; write a string with one, as in \"" +
                                   std::to_string(node.integer) + "MiB\" or \"" + std::to_string(node.integer) + "B\""
                             : is + R"(write a size with its unit as a string, as in "16MiB")");
    case Kind::integer:
      return Result::bad(is + "write a whole number without quotes");
    case Kind::real:
      return Result::bad(is + "write a number without quotes");
    case Kind::boolean:
      return Result::bad(is + "write true or false without quotes");
    case Kind::list:
      return Result::bad(is + R"(write a list of strings, as in ["a", "b"])");
    default:
      return Result::bad(is + "write a string in quotes");
  }
}

// Adds a name's value, and those of tables below it: `ssl.ca.location = "…"` without quotes is three tables in TOML.
std::string add_property(const std::string& name, const Node& node, const Environment& environment, Properties& out) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::table:
      for (const auto& [below, place, value] : node.members) {
        std::string problem = add_property(name + '.' + below, value, environment, out);
        if (!problem.empty()) return problem;
      }
      return {};
    case Node::Kind::string: {
      auto expanded = expand_variables(node.text, environment);
      if (!expanded) return quoted(name) + ": " + expanded.problem;
      text = *expanded;
      break;
    }
    case Node::Kind::integer:
      text = std::to_string(node.integer);
      break;
    case Node::Kind::boolean:
      text = node.flag ? "true" : "false";
      break;
    default:
      return quoted(name) + ": this is " + std::string(kind_in_words(node.kind)) +
             "; write a string, a whole number, true or false";
  }
  if (!out.emplace(name, text).second) return quoted(name) + " stands here twice";
  return {};
}

Result properties_value(const Node& node, const Environment& environment) {
  if (node.kind != Node::Kind::table) {
    return Result::bad("this is " + std::string(kind_in_words(node.kind)) + "; write a table of its own for it");
  }
  Properties out;
  for (const auto& [name, place, value] : node.members) {
    std::string problem = add_property(name, value, environment, out);
    if (!problem.empty()) return Result::bad(std::move(problem));
  }
  return Result::good(Value(std::move(out)));
}

Result list_value(const Key& key, const Node& node, const Environment& environment) {
  if (node.kind != Node::Kind::array) return wrong_kind(key, node);
  std::vector<std::string> out;
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::string) return Result::bad("every entry of the list is a string in quotes");
    auto expanded = expand_variables(item.text, environment);
    if (!expanded) return Result::bad(std::move(expanded.problem));
    out.push_back(*expanded);
  }
  return Result::good(Value(std::move(out)));
}

}  // namespace

Parsed<Value> parse_value(const Key& key, std::string_view text) {
  switch (key.kind) {
    case Kind::string:
      return Result::good(Value(std::string(text)));
    case Kind::integer:
      return number_value<std::int64_t>(text, "whole number");
    case Kind::real:
      return number_value<double>(text, "number");
    case Kind::boolean:
      if (text == "true" || text == "false") return Result::good(Value(text == "true"));
      return Result::bad(quoted(text) + " is neither true nor false");
    case Kind::duration:
      return wrap(parse_duration(text));
    case Kind::size:
      return wrap(parse_size(text));
    case Kind::list:
      return Result::good(Value(words(text)));
    case Kind::properties:
      return Result::good(Value(Properties{}));
    case Kind::choice:
      return choice_value(key, text);
    case Kind::unavailable:
      break;
  }
  return Result::bad("not available in this version; " + std::string(key.help));
}

std::string range_problem(const Key& key, const Value& value) {
  // Written out, because a NaN is neither below nor above anything.
  if (const auto* real = std::get_if<double>(&value); real != nullptr && !std::isfinite(*real)) {
    return "this is no finite number; write " + range_text(key);
  }
  const auto least = key.more.least.empty() ? Result{} : parse_value(key, key.more.least);
  const auto most = key.more.most.empty() ? Result{} : parse_value(key, key.more.most);
  const bool below = least && value < *least;
  const bool above = most && *most < value;
  if (!below && !above) return {};
  return std::string("this is too ") + (below ? "small" : "large") + "; write " + range_text(key);
}

Parsed<Value> node_value(const Key& key, const Node& node, const Environment& environment) {
  switch (key.kind) {
    case Kind::unavailable:
      return parse_value(key, {});
    case Kind::properties:
      return properties_value(node, environment);
    case Kind::list:
      return list_value(key, node, environment);
    case Kind::integer:
      return node.kind == Node::Kind::integer ? Result::good(Value(node.integer)) : wrong_kind(key, node);
    case Kind::real:
      if (node.kind == Node::Kind::integer) return Result::good(Value(static_cast<double>(node.integer)));
      return node.kind == Node::Kind::real ? Result::good(Value(node.real)) : wrong_kind(key, node);
    case Kind::boolean:
      return node.kind == Node::Kind::boolean ? Result::good(Value(node.flag)) : wrong_kind(key, node);
    default:
      break;
  }
  if (node.kind != Node::Kind::string) return wrong_kind(key, node);
  auto expanded = expand_variables(node.text, environment);
  if (!expanded) return Result::bad(std::move(expanded.problem));
  return parse_value(key, *expanded);
}

}  // namespace common::config
