// Configurations of topics and of the broker.
#pragma once

#include "broker/protocol/alter_configs.h"     // IWYU pragma: export
#include "broker/protocol/describe_configs.h"  // IWYU pragma: export
