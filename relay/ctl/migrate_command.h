// outboxctl migrate up | status | sql.
#pragma once

#include <iosfwd>

#include "relay/ctl/command_line.h"

namespace relay::ctl {

// Results to `out`, the server's notices (roles to be created by somebody else) to `notes`. Blocks until done: a
// migration has no time-out. Throws common::Error.
void run_migrate(const MigrateCommand& command, std::ostream& out, std::ostream& notes);

}  // namespace relay::ctl
