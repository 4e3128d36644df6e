// `outbox-relay config check`: tries what the configuration names, changes nothing.
#pragma once

#include "relay/config.h"

namespace relay {

// One line per thing tried, on stdout; nothing else, unless [log] level is "debug". Before threads start. Returns the
// exit code: 0, 69 when something refuses for good, 1 when something cannot be reached. Blocks for a few seconds at
// most per database and sink.
int check_config(const RelayConfig& config);

}  // namespace relay
