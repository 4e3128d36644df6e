// Topics as administrators see them.
#pragma once

#include "broker/protocol/create_partitions.h"  // IWYU pragma: export
#include "broker/protocol/create_topics.h"      // IWYU pragma: export
#include "broker/protocol/delete_records.h"     // IWYU pragma: export
#include "broker/protocol/delete_topics.h"      // IWYU pragma: export
