// The offsets that groups commit: OffsetCommit, OffsetFetch.
#pragma once

#include "broker/protocol/offset_commit.h"  // IWYU pragma: export
#include "broker/protocol/offset_fetch.h"   // IWYU pragma: export
