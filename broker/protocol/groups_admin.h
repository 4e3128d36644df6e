// Groups as administrators see them: list, describe, delete, and delete offsets.
#pragma once

#include "broker/protocol/delete_groups.h"    // IWYU pragma: export
#include "broker/protocol/describe_groups.h"  // IWYU pragma: export
#include "broker/protocol/list_groups.h"      // IWYU pragma: export
