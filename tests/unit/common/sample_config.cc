// The sample's table of keys.
#include "tests/unit/common/sample_config.h"

#include <array>

namespace sample {
namespace {

using common::config::Choice;
using common::config::Key;
using common::config::key;
using common::config::More;
using common::config::Section;

constexpr auto kColours =
    std::to_array<Choice>({{"red", 0, {}}, {"green", 1, {}}, {"blue", 2, "write \"red\" until it comes"}});

constexpr auto kPump = std::to_array<Key>({
    key<&Pump::name>("name", "", "Its name.", More{.sample = "north", .required = true}),
    key<&Pump::speed>("speed", "5", "Turns a second.", More{.least = "1", .most = "9"}),
    key<&Pump::pause>("pause", "10s", "Between two turns.", More{.least = "1ms", .most = "1h"}),
    key<&Pump::extra>("extra", "", "Anything.", More{.sample = "\"a.b\" = \"c\""}),
    common::config::unavailable("steam", "leave it out"),
});

constexpr auto kHouse = std::to_array<Key>({
    key<&House::room>("room", "16MiB", "How much | fits.", More{.least = "1KiB"}),
    key<&House::factor>("factor", "2", "A factor.", More{.least = "1", .most = "10"}),
    key<&House::lit>("lit", "true", "Whether there is light."),
    key<&House::colour>("colour", "green", "Its colour.", More{.choices = kColours}),
    key<&House::guests>("guests", "ann bob", "Who comes."),
    key<&House::secret>("secret", "", "Nobody's business.", More{.sample = "x", .redact = common::config::redact_all}),
    key<&House::derived>("derived", "", "Made of others.", More{.note = "half of pause", .sample = "5s"}),
});

constexpr auto kSections = std::to_array<Section>({
    common::config::repeated<&Root::pumps>("pump", "A pump.", kPump),
    common::config::table<&Root::house>("house", "The house.", kHouse),
});

}  // namespace

common::config::Schema schema() { return kSections; }

common::config::Environment environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "value";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
}

Root load(std::string_view text) {
  Root root;
  common::config::load(schema(), &root, "sample.toml", text, environment()).throw_if_any();
  return root;
}

std::string error_of(std::string_view text) {
  try {
    load(text);
    return "no error";
  } catch (const common::config::Error& error) {
    return error.what();
  }
}

}  // namespace sample
