// ListOffsets and OffsetForLeaderEpoch: earliest, latest, by time, largest timestamp, where an epoch ended. "Latest" is
// the durable end. There are no transactions, so both isolation levels see the same. What is asked by time may have to
// be looked for on the disk: then the answer waits, and nobody else does.
#include "broker/protocol/list_offsets.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/core/leader_epochs.h"
#include "broker/core/time_search.h"
#include "broker/handlers/families.h"
#include "broker/protocol/offset_for_leader_epoch.h"
#include "common/log.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

constexpr int kLargestSince = 7;
constexpr std::chrono::seconds kDiskWait{10};

// A partition that a request names, as far as it is there.
struct Named {
  ErrorCode error = ErrorCode::none;
  storage::PartitionRef ref;
  core::PartitionEpochs epochs;
};

Named look_up(Context& context, const core::Topic* topic, std::int32_t partition, std::int32_t leader_epoch) {
  auto& broker = context.broker;
  Named named;
  if (topic == nullptr || partition < 0 || partition >= topic->partitions) {
    named.error = ErrorCode::unknown_topic_or_partition;
    return named;
  }
  named.ref = {topic->id, storage::PartitionIndex(partition)};
  named.epochs = {.starts = broker.state().epoch_starts(named.ref),
                  .current = broker.store().leader_epoch(),
                  .bounds = broker.store().bounds(named.ref).value_or(storage::PartitionBounds{})};
  named.error = core::check_leader_epoch(leader_epoch, named.epochs.current);
  return named;
}

const core::Topic* find_topic(Context& context, const std::string& name, storage::Ticket& ticket) {
  const auto* topic = context.broker.state().find_topic(name);
  ticket = std::max(ticket, topic == nullptr ? context.broker.topics_deleted_ticket() : topic->ticket);
  return topic;
}

// A ListOffsets from its decoding to its answer; kept alive by the waiter while bytes are fetched from the disk for
// what it asks by time.
struct Listing : std::enable_shared_from_this<Listing> {
  Listing(Context& in, protocol::RequestHeader of, ReplyPtr to)
      : context(in), header(std::move(of)), reply(std::move(to)) {}

  struct Search {
    core::TimeSearch by_time;
    std::size_t topic = 0;  // places in the response
    std::size_t partition = 0;
  };

  Context& context;
  protocol::RequestHeader header;
  ReplyPtr reply;
  protocol::ListOffsetsResponse response;
  std::vector<Search> searches;  // not answered yet
  storage::Ticket ticket;

  bool attempt(bool time_over);
  void wait();

 private:
  [[nodiscard]] bool settle(Search& search);
};

// True: its place in the response is filled.
bool Listing::settle(Search& search) {
  auto& found = response.topics[search.topic].partitions[search.partition];
  auto& store = context.broker.store();
  try {
    if (!store.bounds(search.by_time.partition())) {  // deleted while it waited
      found.error_code = ErrorCode::unknown_topic_or_partition;
      ticket = std::max(ticket, context.broker.topics_deleted_ticket());
      return true;
    }
    if (!search.by_time.attempt(store)) return false;
  } catch (const common::Error& error) {
    common::log::error("partition cannot be read: check the disk, stop the broker, run outbox-broker check",
                       {{"partition", found.partition_index}, {"error", error.what()}});
    found.error_code = ErrorCode::kafka_storage_error;
    return true;
  }
  const auto& hit = search.by_time.found();
  if (!hit) return true;  // −1, −1: nothing as late as that
  found.offset = hit->offset.value();
  found.timestamp_ms = hit->timestamp_ms;
  found.leader_epoch = hit->leader_epoch;
  return true;
}

bool Listing::attempt(bool time_over) {
  if (reply->abandoned()) return true;
  std::erase_if(searches, [this](Search& search) { return settle(search); });
  if (!searches.empty() && !time_over) return false;
  for (const auto& search : searches)
    response.topics[search.topic].partitions[search.partition].error_code = ErrorCode::request_timed_out;
  reply->send(protocol::encode_response(response, header.version, header.correlation), ticket);
  return true;
}

void Listing::wait() {
  std::vector<storage::PartitionRef> refs;
  refs.reserve(searches.size());
  for (const auto& search : searches) refs.push_back(search.by_time.partition());
  auto& waiters = context.broker.fetch_waiters();
  const auto waiter = waiters.add(refs, context.broker.now(), kDiskWait,
                                  [self = shared_from_this()](bool time_over) { return self->attempt(time_over); });
  reply->on_abandon([&waiters, waiter] { waiters.cancel(waiter); });
}

protocol::ListOffsetsPartitionResponse list(const Named& named, const protocol::ListOffsetsPartition& ask) {
  protocol::ListOffsetsPartitionResponse found;
  found.partition_index = ask.partition_index;
  found.error_code = named.error;
  if (named.error != ErrorCode::none) return found;
  const auto& bounds = named.epochs.bounds;
  if (ask.timestamp_ms == protocol::kLatestTimestamp) {
    found.offset = bounds.durable_end.value();
    found.leader_epoch = named.epochs.current;
  } else if (ask.timestamp_ms == protocol::kEarliestTimestamp) {
    found.offset = bounds.start.value();
    found.leader_epoch = core::epoch_of(named.epochs, bounds.start);
  } else {
    found.error_code = ErrorCode::unsupported_version;  // a later version's question
  }
  return found;
}

// None: it asks for no time.
std::optional<core::TimeSearch> search_of(const Named& named, const protocol::ListOffsetsPartition& ask,
                                          protocol::ApiVersion version) {
  if (named.error != ErrorCode::none) return std::nullopt;
  if (ask.timestamp_ms >= 0) return core::TimeSearch::at_least(named.ref, ask.timestamp_ms);
  if (ask.timestamp_ms == protocol::kMaxTimestamp && version.value() >= kLargestSince)
    return core::TimeSearch::largest(named.ref);
  return std::nullopt;
}

template <class Topics>
std::size_t partitions_named(const Topics& topics) {
  std::size_t named = 0;
  for (const auto& topic : topics) named += topic.partitions.size();
  return named;
}

}  // namespace

void handle_list_offsets(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ListOffsetsRequest>(context, request, reply, [&](const protocol::ListOffsetsRequest& message) {
    if (names_too_many(context, request, reply, partitions_named(message.topics))) return;
    auto listing = std::make_shared<Listing>(context, request.header, reply);
    for (const auto& asked : message.topics) {
      const auto* topic = find_topic(context, asked.name, listing->ticket);
      protocol::ListOffsetsTopicResponse listed;
      listed.name = asked.name;
      for (const auto& ask : asked.partitions) {
        const auto named = look_up(context, topic, ask.partition_index, ask.current_leader_epoch);
        if (named.error == ErrorCode::none && request.fetched != nullptr) {
          request.fetched->told_offset(asked.name, topic->id, named.ref.partition);
        }
        const auto search = search_of(named, ask, request.header.version);
        if (search) listing->searches.push_back({*search, listing->response.topics.size(), listed.partitions.size()});
        listed.partitions.push_back(
            search ? protocol::ListOffsetsPartitionResponse{.partition_index = ask.partition_index} : list(named, ask));
      }
      listing->response.topics.push_back(std::move(listed));
    }
    if (!listing->attempt(false)) listing->wait();
  });
}

void handle_offset_for_leader_epoch(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::OffsetForLeaderEpochRequest>(context, request, reply, [&](const auto& message) {
    if (names_too_many(context, request, reply, partitions_named(message.topics))) return;
    protocol::OffsetForLeaderEpochResponse response;
    storage::Ticket ticket;
    for (const auto& asked : message.topics) {
      const auto* topic = find_topic(context, asked.topic, ticket);
      protocol::OffsetForLeaderTopicResponse listed;
      listed.topic = asked.topic;
      for (const auto& ask : asked.partitions) {
        const auto named = look_up(context, topic, ask.partition, ask.current_leader_epoch);
        protocol::EpochEndOffset found;
        found.partition = ask.partition;
        found.error_code = named.error;
        if (named.error == ErrorCode::none) {
          const auto end = core::end_of_epoch(named.epochs, ask.leader_epoch);
          found.leader_epoch = end.epoch;
          found.end_offset = end.end.value();
        }
        listed.partitions.push_back(found);
      }
      response.topics.push_back(std::move(listed));
    }
    answer(request, reply, response, ticket);
  });
}

}  // namespace broker::handlers
