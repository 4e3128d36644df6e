// Produce and InitProducerId. Each partition's batch is checked and appended now; the answer waits for the flush.
#include <algorithm>
#include <string>

#include "broker/handlers/families.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/producer_id.h"
#include "common/ensure.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// The same bytes, to be written to: base offset and leader epoch are set in place, in the frame.
std::span<std::byte> writable(const Frame& frame, std::span<const std::byte> view) {
  if (view.empty()) return {};
  const auto begin = view.data() - frame->data();
  ENSURE(begin >= 0, "records lie in the frame they were decoded from");
  ENSURE(static_cast<std::size_t>(begin) + view.size() <= frame->size(), "records end in their frame");
  return std::span<std::byte>(*frame).subspan(static_cast<std::size_t>(begin), view.size());
}

core::Refusal refuse_request(const protocol::ProduceRequest& message) {
  if (message.acks < -1 || message.acks > 1) {
    return {ErrorCode::invalid_required_acks, "acks must be 0, 1 or all"};
  }
  if (message.transactional_id) {
    return {ErrorCode::transactional_id_authorization_failed, "this broker has no transactions"};
  }
  return {};
}

core::AppendOutcome append(Context& context, const Request& request, const std::string& name,
                           const protocol::ProducePartition& partition) {
  auto* topic = context.broker.state().find_topic(name);
  if (topic == nullptr || partition.index < 0 || partition.index >= topic->partitions) {
    core::AppendOutcome outcome;
    outcome.refusal = {ErrorCode::unknown_topic_or_partition, "no such topic or partition"};
    outcome.ticket = context.broker.topics_deleted_ticket();
    return outcome;
  }
  const auto records = partition.records.value_or(protocol::BytesView());
  auto outcome = context.broker.append(*topic, storage::PartitionIndex(partition.index),
                                       writable(request.frame, records.span()), request.frame);
  if (outcome.refusal) {
    outcome.ticket = topic->ticket;  // it may follow from a setting just changed
  } else {
    context.metrics.produce_bytes.add(records.size());
    context.metrics.produce_batches.add();
  }
  return outcome;
}

struct ProduceResult {
  protocol::ProduceResponse response;
  storage::Ticket ticket;
  ErrorCode first_error = ErrorCode::none;
};

ProduceResult produce(Context& context, const Request& request, const protocol::ProduceRequest& message) {
  ProduceResult result;
  const auto refused = refuse_request(message);
  const storage::Burst one_frame(context.broker.store());
  result.response.topics.reserve(message.topics.size());
  for (const auto& topic : message.topics) {
    protocol::ProduceTopicResponse topic_response;
    topic_response.name = topic.name;
    topic_response.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      core::AppendOutcome outcome;
      if (refused) {
        outcome.refusal = refused;
      } else {
        outcome = append(context, request, topic.name, partition);
      }
      protocol::ProducePartitionResponse answer;
      answer.index = partition.index;
      answer.error_code = outcome.refusal.error;
      if (outcome.refusal) {
        context.metrics.produce_refused.add();
        if (result.first_error == ErrorCode::none) result.first_error = outcome.refusal.error;
        answer.error_message = std::move(outcome.refusal.message);
      } else {
        answer.base_offset = outcome.base.value();
        answer.log_append_time_ms = outcome.log_append_time_ms;
        answer.log_start_offset = outcome.log_start.value();
      }
      result.ticket = std::max(result.ticket, outcome.ticket);
      topic_response.partitions.push_back(std::move(answer));
    }
    result.response.topics.push_back(std::move(topic_response));
  }
  return result;
}

}  // namespace

void handle_produce(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ProduceRequest>(context, request, reply, [&](const protocol::ProduceRequest& message) {
    const auto result = produce(context, request, message);
    if (message.acks != 0) return answer(request, reply, result.response, result.ticket);
    // Nobody listens to the answer of acks=0: the end of the connection is the only way to say that it failed.
    if (result.first_error == ErrorCode::none) return reply->send_nothing();
    reply->close("a Produce with acks=0 was refused: " + std::string(protocol::name(result.first_error)));
  });
}

void refuse_old_produce(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::ProduceRequest>(context, request, reply, [&](const protocol::ProduceRequest& message) {
    protocol::ProduceResponse response;
    for (const auto& topic : message.topics) {
      protocol::ProduceTopicResponse topic_response;
      topic_response.name = topic.name;
      for (const auto& partition : topic.partitions) {
        protocol::ProducePartitionResponse refused;
        refused.index = partition.index;
        refused.error_code = ErrorCode::unsupported_version;
        topic_response.partitions.push_back(std::move(refused));
      }
      response.topics.push_back(std::move(topic_response));
    }
    if (message.acks == 0) return reply->close("Produce v0-2 carries old record formats: not supported");
    answer(request, reply, response);
  });
}

void handle_init_producer_id(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::InitProducerIdRequest>(context, request, reply, [&](const auto& message) {
    protocol::InitProducerIdResponse response;
    if (message.transactional_id) {
      response.error_code = ErrorCode::transactional_id_authorization_failed;
      return answer(request, reply, response);
    }
    const auto made = context.broker.new_producer_id();
    response.producer_id = made.id.value();
    response.producer_epoch = 0;
    answer(request, reply, response, made.ticket);
  });
}

}  // namespace broker::handlers
