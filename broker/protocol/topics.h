// Topics as administrators see them: CreateTopics.
#pragma once

#include "broker/protocol/create_topics.h"  // IWYU pragma: export
