// The watermark and the ids below it that were not there yet: what every poll asks for again.
//
// An id at or below some id that is visible was handed out before it, so its row may still be about to commit. It is
// settled once a polling snapshot finds ended every transaction that was in progress in another polling snapshot, at
// least `settle_after` younger than the first sight of the higher id (a transaction may take an id and write only
// later). That is kept per layer ("every id up to B was handed out before T"), not per gap.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "relay/core/outbox_store.h"

namespace relay::core {

class Gaps {
 public:
  explicit Gaps(std::size_t ranges_max, std::chrono::nanoseconds settle_after = std::chrono::seconds{1});

  [[nodiscard]] RowId watermark() const { return watermark_; }
  [[nodiscard]] const std::vector<IdRange>& ranges() const { return ranges_; }
  // What a poll that was asked with this object's watermark and ranges came to. `seen`: all ids of its rows, in id
  // order. Its snapshot lies between `sent` and `received`.
  void polled(const PollResult& result, const std::vector<RowId>& seen, std::chrono::nanoseconds sent,
              std::chrono::nanoseconds received);
  // Back to `watermark`: everything above is read again.
  void rewind(RowId watermark);
  // Nothing is known: another owner may have worked on the table.
  void reset();

 private:
  struct Layer {
    RowId boundary;
    std::chrono::nanoseconds seen_at;
    bool waiting = false;  // old enough; waits for `in_progress`
    std::vector<TransactionId> in_progress;
  };
  void advance_layers(const PollResult& result, std::chrono::nanoseconds sent);
  void add_layer(RowId boundary, std::chrono::nanoseconds received);
  void split(const std::vector<RowId>& seen);
  void extend(const std::vector<RowId>& seen, RowId upto);
  void trim(RowId upto);

  std::size_t ranges_max_;
  std::chrono::nanoseconds settle_after_;
  RowId watermark_;
  RowId settled_;                // nothing at or below it can still appear
  std::vector<IdRange> ranges_;  // disjoint, ascending, all at or below the watermark
  std::vector<Layer> layers_;    // boundaries and times ascend
};

}  // namespace relay::core
