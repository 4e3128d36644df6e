// Configurations of topics and of the broker: DescribeConfigs.
#pragma once

#include "broker/protocol/describe_configs.h"  // IWYU pragma: export
