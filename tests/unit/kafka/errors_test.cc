// Every line of the table of failures, and what is not in it.
#include "relay/kafka/errors.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace relay::kafka {
namespace {

using core::Scope;

struct Expected {
  rd_kafka_resp_err_t error;
  Scope scope;
  std::string name;
};

// Written down a second time on purpose: a change of scope must be meant.
const std::vector<Expected> kExpected = {
    {RD_KAFKA_RESP_ERR_NO_ERROR, Scope::none, ""},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Scope::row, "message_too_large"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, Scope::row, "message_too_large"},
    {RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, Scope::row, "message_too_large"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, Scope::row, "invalid_record"},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, Scope::row, "corrupt_message"},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, Scope::row, "invalid_timestamp"},
    {RD_KAFKA_RESP_ERR_INVALID_REQUEST, Scope::row, "invalid_request"},
    {RD_KAFKA_RESP_ERR_UNKNOWN, Scope::row, "unknown_server_error"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, Scope::row, "invalid_topic"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Scope::topic, "topic_authorization"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, Scope::topic, "unknown_topic"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, Scope::topic, "unknown_topic"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, Scope::topic, "policy_violation"},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, Scope::topic, "topic_not_created"},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, Scope::topic, "topic_not_created"},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, Scope::topic, "topic_not_created"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, Scope::topic, "message_format"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, Scope::partition, "unknown_partition"},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, Scope::partition, "no_leader"},
    {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, Scope::partition, "no_leader"},
    {RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, Scope::partition, "no_leader"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, Scope::partition, "not_enough_replicas"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, Scope::partition, "not_enough_replicas"},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, Scope::partition, "storage_error"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, Scope::sink, "sink_unreachable"},
    {RD_KAFKA_RESP_ERR__RESOLVE, Scope::sink, "sink_unreachable"},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, Scope::sink, "sink_unreachable"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, Scope::sink, "sink_timeout"},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, Scope::sink, "sink_timeout"},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, Scope::sink, "sink_timeout"},
    {RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, Scope::sink, "sink_unreachable"},
    {RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, Scope::sink, "sink_unreachable"},
    {RD_KAFKA_RESP_ERR__SSL, Scope::sink, "sink_tls"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, Scope::sink, "sink_authentication"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, Scope::sink, "sink_authentication"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, Scope::sink, "sink_authentication"},
    {RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, Scope::sink, "sink_authentication"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, Scope::sink, "sink_authorization"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, Scope::sink, "sink_unsupported"},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, Scope::sink, "sink_unsupported"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, Scope::sink, "sink_unsupported"},
    {RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, Scope::sink, "sink_unsupported"},
    {RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, Scope::sink, "sink_quota"},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, Scope::cut, "cut"},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, Scope::cut, "cut"},
    {RD_KAFKA_RESP_ERR__DESTROY, Scope::cut, "cut"},
    {RD_KAFKA_RESP_ERR__FATAL, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR__INCONSISTENT, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR__STATE, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, Scope::cut, "producer_fatal"},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, Scope::cut, "fenced"},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, Scope::cut, "fenced"},
    {RD_KAFKA_RESP_ERR__FENCED, Scope::cut, "fenced"},
};

TEST(Errors, EveryLineOfTheTableIsMeant) {
  EXPECT_EQ(kExpected.size(), error_table().size());
  for (const auto& expected : kExpected) {
    const ErrorClass found = classify(expected.error);
    EXPECT_EQ(found.scope, expected.scope) << rd_kafka_err2name(expected.error);
    EXPECT_EQ(found.name, expected.name) << rd_kafka_err2name(expected.error);
  }
}

TEST(Errors, NoCodeStandsTwice) {
  std::set<int> seen;
  for (const auto& line : error_table()) EXPECT_TRUE(seen.insert(line.error).second) << rd_kafka_err2name(line.error);
}

TEST(Errors, OnlyAnInvalidTopicIsPermanent) {
  for (const auto& line : error_table())
    EXPECT_EQ(line.permanent, line.error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) << rd_kafka_err2name(line.error);
}

TEST(Errors, UnknownBrokerCodeIsTheRowsOwn) {
  const ErrorClass found = classify(RD_KAFKA_RESP_ERR_ELECTION_NOT_NEEDED);
  EXPECT_EQ(found.scope, Scope::row);
  EXPECT_STREQ(found.name, "refused");
}

TEST(Errors, UnknownLocalCodeSaysNothingAboutTheRow) {
  EXPECT_EQ(classify(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE).scope, Scope::cut);
}

}  // namespace
}  // namespace relay::kafka
