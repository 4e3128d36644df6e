// The codec's random tests and their seed.
#pragma once

#include "tests/support/seed.h"

namespace broker::protocol {

inline std::uint64_t test_seed() { return test_support::seed(); }

}  // namespace broker::protocol
