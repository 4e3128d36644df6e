// The way of a configuration: text → nodes → each section's keys by the table → the program's struct.
#include "common/config/load.h"

#include <algorithm>

#include "common/config/nearest.h"
#include "common/config/value.h"
#include "common/ensure.h"
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

class Loader {
 public:
  Loader(Schema schema, void* root, const Environment& environment, Report& report)
      : schema_(schema), root_(root), environment_(environment), report_(report) {}

  void run(const Node& document) {
    for (const Node::Member& member : document.members) {
      if (find_section(member.name) == nullptr) unknown_section(member);
    }
    for (const Section& section : schema_) load_section(section, document.find(section.name));
  }

 private:
  [[nodiscard]] const Section* find_section(std::string_view name) const {
    const auto found = std::find_if(schema_.begin(), schema_.end(), [&](const Section& s) { return s.name == name; });
    return found == schema_.end() ? nullptr : &*found;
  }

  static const Key* find_key(const Section& section, std::string_view name) {
    const auto found =
        std::find_if(section.keys.begin(), section.keys.end(), [&](const Key& k) { return k.name == name; });
    return found == section.keys.end() ? nullptr : &*found;
  }

  void unknown_section(const Node::Member& member) {
    std::string line = "unknown ";
    if (member.value.kind == Node::Kind::table || member.value.kind == Node::Kind::array) {
      line += "section " + quoted(member.name);
      std::vector<std::string_view> known;
      for (const Section& section : schema_) known.push_back(section.name);
      const std::string_view near = nearest(member.name, known);
      line += near.empty() ? "; there is" : "; did you mean " + header(*find_section(near)) + "?";
      if (near.empty()) {
        for (const Section& section : schema_) line += ' ' + header(section);
      }
    } else {
      line += "key " + quoted(member.name) + " outside of any section";
      line += belongs_to(member.name);
    }
    report_.add_at(member.place, line);
  }

  [[nodiscard]] std::string belongs_to(std::string_view name) const {
    for (const Section& section : schema_) {
      if (find_key(section, name) != nullptr) return "; it belongs in " + header(section);
    }
    return {};
  }

  void load_section(const Section& section, const Node* node) {
    const std::string name(section.name);
    if (!section.repeated) {
      load_table(section, node, name);
      return;
    }
    if (node == nullptr) return;
    if (node->kind == Node::Kind::table) {
      load_table(section, node, name + "[0]");
      return;
    }
    if (node->kind != Node::Kind::array) {
      report_.add_at(node->place, quoted(name) + " is a section: write " + header(section) + " on a line of its own");
      return;
    }
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      load_table(section, &node->items[i], name + '[' + std::to_string(i) + ']');
    }
  }

  // node null: the section does not stand in the file, and only its defaults count.
  void load_table(const Section& section, const Node* node, const std::string& path) {
    if (node != nullptr && node->kind != Node::Kind::table) {
      report_.add_at(node->place,
                     quoted(section.name) + " is a section: write " + header(section) + " on a line of its own");
      return;
    }
    void* object = section.add(root_);
    set_defaults(section, object);
    if (node == nullptr) return;
    report_.set_place(path, node->place);
    for (const Node::Member& member : node->members) load_member(section, object, member, path);
    for (const Key& key : section.keys) {
      if (key.more.required && node->find(key.name) == nullptr) {
        report_.add_at(node->place, header(section) + " needs the key " + quoted(key.name));
      }
    }
  }

  static void set_defaults(const Section& section, void* object) {
    for (const Key& key : section.keys) {
      if (key.kind == Kind::unavailable || key.more.required || !key.more.note.empty()) continue;
      const auto value = parse_value(key, key.fallback);
      ENSURE(value && range_problem(key, *value).empty(), "a key's default is a value of its own range");
      key.assign(object, *value);
    }
  }

  void load_member(const Section& section, void* object, const Node::Member& member, const std::string& path) {
    const std::string whole = path + '.' + member.name;
    const Key* key = find_key(section, member.name);
    if (key == nullptr) {
      unknown_key(section, member);
      return;
    }
    report_.set_place(whole, member.place);
    const auto value = node_value(*key, member.value, environment_);
    if (!value) {
      report_.add(whole, value.problem);
      return;
    }
    const std::string problem = range_problem(*key, *value);
    if (!problem.empty()) {
      report_.add(whole, problem);
      return;
    }
    if (key->kind == Kind::properties) place_properties(member.value, whole);
    key->assign(object, *value);
  }

  void place_properties(const Node& node, const std::string& path) {
    for (const Node::Member& member : node.members) {
      report_.set_place(path + '.' + member.name, member.place);
      place_properties(member.value, path + '.' + member.name);
    }
  }

  void unknown_key(const Section& section, const Node::Member& member) {
    std::string line = "unknown key " + quoted(member.name) + " in " + header(section);
    std::vector<std::string_view> known;
    for (const Key& key : section.keys) {
      if (key.kind != Kind::unavailable) known.push_back(key.name);
    }
    const std::string elsewhere = belongs_to(member.name);
    const std::string_view near = nearest(member.name, known);
    if (!elsewhere.empty()) {
      line += elsewhere;
    } else if (!near.empty()) {
      line += "; did you mean " + quoted(near) + '?';
    } else {
      line += "; there is";
      for (const std::string_view name : known) line += ' ' + std::string(name);
    }
    report_.add_at(member.place, line);
  }

  Schema schema_;
  void* root_;
  const Environment& environment_;
  Report& report_;
};

}  // namespace

Report load(Schema schema, void* root, const std::string& file, std::string_view text, const Environment& environment) {
  const Node document = parse_toml(file, text);
  Report report(file);
  Loader(schema, root, environment, report).run(document);
  return report;
}

}  // namespace common::config
