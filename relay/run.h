// What main does, callable with another publisher: so a test can build a relay that lies and watch it being found out.
#pragma once

#include "relay/source_unit.h"

namespace relay {

// The whole program from the command line to the exit code. Throws nothing.
int run_program(int argc, const char* const* argv, const WrapPublisher& wrap = {});

}  // namespace relay
