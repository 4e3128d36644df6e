// The writers: one connection each, made anew after every failure.
#include "tests/fault/workload.h"

#include <chrono>
#include <pqxx/pqxx>
#include <random>

namespace fault {
namespace {

constexpr double kRollbackShare = 0.2;
constexpr std::chrono::milliseconds kReconnectPause{50};

// One business transaction. True: the COMMIT returned.
bool transact(pqxx::connection& connection, const WorkloadOptions& options, const std::string& key, bool roll_back,
              std::int64_t& number) {
  pqxx::work work(connection);
  number = work.exec_params1("UPDATE ctr SET n = n + 1 WHERE k = $1 RETURNING n", key)[0].as<std::int64_t>();
  work.exec_params("INSERT INTO message_record (topic, message_key, body) VALUES ($1, $2, $3)", options.topic, key,
                   std::to_string(number));
  if (roll_back) {
    work.abort();
    return false;
  }
  work.commit();
  return true;
}

}  // namespace

Workload::Workload(WorkloadOptions options) : options_(std::move(options)) {
  pqxx::connection connection(options_.dsn);
  pqxx::work work(connection);
  work.exec("CREATE TABLE ctr (k text PRIMARY KEY, n bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)");
  work.exec_params("INSERT INTO ctr (k) SELECT 'key-' || i FROM generate_series(0, $1 - 1) i", options_.keys);
  work.commit();
}

Workload::~Workload() { stop(); }

void Workload::start() {
  running_ = true;
  for (int writer = 0; writer < options_.writers; ++writer) {
    threads_.emplace_back([this, writer] { write(options_.seed + static_cast<std::uint64_t>(writer)); });
  }
}

void Workload::stop() {
  running_ = false;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Workload::write(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int> any_key(0, options_.keys - 1);
  std::bernoulli_distribution rolls_back(kRollbackShare);
  while (running_) {
    try {
      pqxx::connection connection(options_.dsn);
      while (running_) {
        const std::string key = "key-" + std::to_string(any_key(random));
        std::int64_t number = 0;
        if (transact(connection, options_, key, rolls_back(random), number)) {
          const std::lock_guard lock(mutex_);
          acknowledged_.emplace_back(key, number);
          ++committed_;
        }
        if (options_.pause_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(options_.pause_us));
      }
    } catch (const pqxx::failure&) {
      // Before or after the commit: the final read of the database tells.
      std::this_thread::sleep_for(kReconnectPause);
    }
  }
}

void Workload::read_into(History& history) const {
  pqxx::connection connection(options_.dsn);
  pqxx::read_transaction work(connection);
  const auto rows = work.exec(
      "SELECT id, message_key, body::bigint, status, coalesce(sent_partition, -1), coalesce(sent_offset, -1) "
      "FROM message_record ORDER BY id");
  for (const auto& row : rows) {
    history.committed.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>(), row[2].as<std::int64_t>(),
                                 row[3].as<int>(), row[4].as<std::int32_t>(), row[5].as<std::int64_t>()});
  }
  const std::lock_guard lock(mutex_);
  history.acknowledged = acknowledged_;
}

std::int64_t Workload::waiting() const {
  pqxx::connection connection(options_.dsn);
  pqxx::read_transaction work(connection);
  return work.exec1("SELECT count(*) FROM message_record WHERE status = 0")[0].as<std::int64_t>();
}

}  // namespace fault
