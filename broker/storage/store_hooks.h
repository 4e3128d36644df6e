// What tests need of a store beyond store.h: rounds one by one, without threads, and a way to break its promise.
#pragma once

namespace broker::storage {

enum class RoundOutcome {
  idle,     // nothing waits, or the store is poisoned
  wrote,    // one frame is durable
  blocked,  // something waits for a checkpoint or a journal file
};

// All false in the product.
struct StoreHooks {
  bool release_before_flush = false;  // sabotage: acknowledges too early; the crash checker must find it
};

}  // namespace broker::storage
