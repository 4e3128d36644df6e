// Gives a batch to the publisher, outside the pipeline's lock.
#pragma once

#include <functional>

#include "relay/core/pipeline.h"

namespace relay::core {

// `may_feed` is asked again and again, so that a process that was stopped in mid-batch does not go on with it.
[[nodiscard]] FeedReport feed(Publisher& publisher, const std::vector<Flight*>& batch,
                              const std::function<bool()>& may_feed);

}  // namespace relay::core
