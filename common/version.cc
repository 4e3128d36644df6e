// The build's version, from the header that CMake makes.
#include "common/version.h"

#include "version_generated.h"

namespace common {
namespace {

std::string text(VersionRange range) {
  const std::string newest = std::to_string(range.newest);
  return range.oldest == range.newest ? newest : std::to_string(range.oldest) + " to " + newest;
}

}  // namespace

std::string_view version() { return OUTBOX_VERSION; }
std::string_view revision() { return OUTBOX_REVISION; }

std::string version_text(std::string_view program, VersionRange schema) {
  return std::string(program) + ' ' + std::string(version()) + " (" + std::string(revision()) + ")\n" +
         (schema.newest == 0 ? std::string() : "database schema: version " + text(schema) + '\n') +
         "broker data: version " + text(kBrokerData);
}

}  // namespace common
