// What one connection has fetched by topic name, for the day on which a name comes to mean another topic: deleted, and
// made anew. A client that fetches by topic id (v13) learns of it; one that fetches by name would read on in the new
// topic at the old one's offset and never see what lies before it. So it is told once, for each partition that it was
// reading, that its offset is out of range, and begins where its own reset policy says. Lasts as long as the
// connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/storage/record.h"

namespace broker::handlers {

// Core thread only.
class FetchedTopics {
 public:
  // The client fetches a partition of the topic that `name` means now. True, once: it was reading that partition of
  // another topic of this name, and asks with that one's offset.
  bool asks_with_former_offset(std::string_view name, const storage::TopicId& topic, storage::PartitionIndex partition);
  // The client has asked where the partition begins or ends: its next offset is the present topic's.
  void told_offset(std::string_view name, const storage::TopicId& topic, storage::PartitionIndex partition);

 private:
  static constexpr std::size_t kBytesMax = 48 << 10;  // about; beyond it nothing more is remembered
  struct Entry {
    storage::TopicId topic{};
    std::vector<bool> fetched;  // by partition
    std::vector<bool> former;   // fetched of an earlier topic of this name, and not told yet
  };
  static void turn_to(Entry& entry, const storage::TopicId& topic);
  // False: that would be too much.
  bool take_room(std::size_t bytes);

  std::map<std::string, Entry, std::less<>> by_name_;
  std::size_t bytes_ = 0;
};

}  // namespace broker::handlers
