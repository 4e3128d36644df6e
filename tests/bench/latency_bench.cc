// From COMMIT to consumer: writers commit transactions of five statements at a steady rate, one of them the outbox row;
// a consumer notes when each message arrives. Both clocks are this process's monotonic one.
//
// usage: latency_bench DSN SERVERS TOPIC ROWS_PER_SECOND SECONDS    {"rows": N, "p50_ms": …, "p99_ms": …, "max_ms": …}
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kWriters = 4;
constexpr int kWarmUpShare = 5;  // the first fifth is not counted

struct Run {
  std::string dsn, servers, topic;
  int rows_per_second = 0;
  int seconds = 0;
  std::vector<Clock::time_point> committed, arrived;  // by message number; committed[i] is written once, by its writer
  std::atomic<long> received{0};
  std::atomic<bool> ready{false};
};

void prepare(const Run& run) {
  pqxx::connection connection(run.dsn);
  pqxx::work work(connection);
  work.exec("CREATE TABLE IF NOT EXISTS bench_account (id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0)");
  work.exec("CREATE TABLE IF NOT EXISTS bench_entry (account int, amount int, at timestamptz DEFAULT now())");
  work.exec("INSERT INTO bench_account (id) SELECT generate_series(0, 999) ON CONFLICT DO NOTHING");
  work.commit();
}

void transact(pqxx::connection& connection, Run& run, long number) {
  const int account = static_cast<int>(number % 1000);
  pqxx::work work(connection);
  work.exec_params("SELECT balance FROM bench_account WHERE id = $1", account);
  work.exec_params("UPDATE bench_account SET balance = balance + 1 WHERE id = $1", account);
  work.exec_params("INSERT INTO bench_entry (account, amount) VALUES ($1, 1)", account);
  work.exec_params("SELECT count(*) FROM bench_account WHERE id < 10");
  work.exec_params("INSERT INTO message_record (topic, message_key, body) VALUES ($1, $2, $3)", run.topic,
                   std::to_string(account), std::to_string(number));
  work.commit();
  run.committed[static_cast<std::size_t>(number)] = Clock::now();
}

void write_rows(Run& run, int writer) {
  pqxx::connection connection(run.dsn);
  const long rows = long{run.rows_per_second} * run.seconds;
  const auto started = Clock::now();
  for (long number = writer; number < rows; number += kWriters) {
    std::this_thread::sleep_until(started + std::chrono::nanoseconds(1'000'000'000LL * number / run.rows_per_second));
    transact(connection, run, number);
  }
}

rd_kafka_t* make_consumer(const Run& run) {
  char error[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::pair<const char*, const char*> settings[] = {{"bootstrap.servers", run.servers.c_str()},
                                                          {"group.id", "latency"},
                                                          {"enable.partition.eof", "true"},
                                                          {"allow.auto.create.topics", "true"},
                                                          {"fetch.wait.max.ms", "100"}};
  for (const auto& [name, value] : settings) rd_kafka_conf_set(conf, name, value, error, sizeof error);
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
  if (consumer == nullptr) {
    std::fprintf(stderr, "latency_bench: %s\n", error);
    std::exit(1);
  }
  rd_kafka_poll_set_consumer(consumer);
  return consumer;
}

void consume(Run& run) {
  rd_kafka_t* consumer = make_consumer(run);
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_topic_t* topic = rd_kafka_topic_new(consumer, run.topic.c_str(), nullptr);
  rd_kafka_metadata(consumer, 0, topic, &metadata, 30'000);
  if (metadata == nullptr || metadata->topics[0].partition_cnt == 0) {
    std::fprintf(stderr, "latency_bench: no partitions of %s\n", run.topic.c_str());
    std::exit(1);
  }
  rd_kafka_topic_partition_list_t* partitions = rd_kafka_topic_partition_list_new(12);
  for (int partition = 0; partition < metadata->topics[0].partition_cnt; ++partition) {
    rd_kafka_topic_partition_list_add(partitions, run.topic.c_str(), partition)->offset = 0;
  }
  rd_kafka_assign(consumer, partitions);
  int at_end = 0;
  const long rows = long{run.rows_per_second} * run.seconds;
  while (run.received < rows) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 60'000);
    if (message == nullptr) {
      std::fprintf(stderr, "latency_bench: nothing came for a minute, %ld of %ld arrived\n", run.received.load(), rows);
      std::exit(1);
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && ++at_end == partitions->cnt) run.ready = true;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const auto number = std::stoul(std::string(static_cast<const char*>(message->payload), message->len));
      run.arrived[number] = Clock::now();
      ++run.received;
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  rd_kafka_topic_partition_list_destroy(partitions);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
}

void print(const Run& run) {
  std::vector<double> millis;
  for (std::size_t i = run.committed.size() / kWarmUpShare; i < run.committed.size(); ++i) {
    millis.push_back(std::chrono::duration<double, std::milli>(run.arrived[i] - run.committed[i]).count());
  }
  std::ranges::sort(millis);
  const auto at = [&](double share) { return millis[static_cast<std::size_t>(share * double(millis.size() - 1))]; };
  std::printf("{\"rows\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n", millis.size(), at(0.5),
              at(0.99), millis.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: latency_bench DSN SERVERS TOPIC ROWS_PER_SECOND SECONDS\n");
    return 64;
  }
  Run run;
  run.dsn = argv[1], run.servers = argv[2], run.topic = argv[3];
  run.rows_per_second = std::atoi(argv[4]), run.seconds = std::atoi(argv[5]);
  const auto rows = static_cast<std::size_t>(run.rows_per_second) * static_cast<std::size_t>(run.seconds);
  run.committed.resize(rows), run.arrived.resize(rows);
  prepare(run);
  std::thread consumer(consume, std::ref(run));
  while (!run.ready) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) writers.emplace_back(write_rows, std::ref(run), writer);
  for (auto& writer : writers) writer.join();
  consumer.join();
  print(run);
  return 0;
}
