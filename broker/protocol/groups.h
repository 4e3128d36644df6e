// The membership of consumer groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.
#pragma once

#include "broker/protocol/group_join.h"  // IWYU pragma: export
#include "broker/protocol/group_life.h"  // IWYU pragma: export
