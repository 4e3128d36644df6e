// Questions in, answers out.
#include "broker/storage/cold_reads.h"

#include <utility>

namespace broker::storage {

namespace {
constexpr std::size_t kJobsMax = 256;
constexpr std::size_t kDoneMax = 1024;
}  // namespace

void ColdReads::ask(const ColdKey& key, ColdQuestion question, std::chrono::nanoseconds now) {
  const std::scoped_lock lock(mutex_);
  if (jobs_.contains(key)) return;
  if (waiting_.size() >= kJobsMax) {
    turned_away_.insert(key.partition);
    return;
  }
  Job& job = jobs_[key];
  job.question = std::move(question);
  job.asked_at = now;
  waiting_.push_back(key);
  changed_.notify_one();
}

std::optional<ColdAnswer> ColdReads::take(const ColdKey& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = jobs_.find(key);
  if (found == jobs_.end() || !found->second.done) return std::nullopt;
  const bool reader_may_wait = is_full();
  Job job = std::move(found->second);
  jobs_.erase(found);
  done_bytes_ -= job.bytes;
  if (reader_may_wait) changed_.notify_one();
  if (job.failure) std::rethrow_exception(job.failure);
  return ColdAnswer{std::move(job.question), std::move(job.answers)};
}

std::vector<PartitionRef> ColdReads::take_finished() {
  const std::scoped_lock lock(mutex_);
  ++looks_;
  // Asked many times a second: the reader is woken only when it waits for this.
  if (!std::exchange(looked_, true) && is_full()) changed_.notify_one();
  std::vector<PartitionRef> finished(finished_.begin(), finished_.end());
  finished_.clear();
  return finished;
}

void ColdReads::forget_before(std::chrono::nanoseconds time) {
  const std::scoped_lock lock(mutex_);
  if (done_.empty()) return;
  std::erase_if(jobs_, [&](const auto& entry) {
    const bool old = entry.second.done && entry.second.asked_at < time;
    if (old) done_bytes_ -= entry.second.bytes;
    return old;
  });
  std::erase_if(done_, [this](const ColdKey& key) { return !jobs_.contains(key); });
}

// Under mutex_.
bool ColdReads::is_full() const { return done_bytes_ >= done_bytes_max_ || done_.size() >= kDoneMax; }

// Under mutex_. What was told of in a look that is over was not wanted, or would have been taken.
void ColdReads::drop_old_answers() {
  while (is_full() && !done_.empty()) {
    const auto oldest = jobs_.find(done_.front());
    if (oldest != jobs_.end() && oldest->second.done) {
      if (looks_ <= oldest->second.done_in) return;
      done_bytes_ -= oldest->second.bytes;
      jobs_.erase(oldest);
    }
    done_.pop_front();
  }
}

void ColdReads::answer_all(Job& job) {
  try {
    for (const SegmentQuestion& question : job.question.segments) {
      const SegmentAnswer& found = job.answers.emplace_back(answer(files_, superblock_, question, MayWait::yes));
      job.bytes += found.bytes.size();
      if (found.found || !found.bytes.empty()) return;
    }
  } catch (const common::Error&) {
    job.failure = std::current_exception();
  }
}

ColdStep ColdReads::run_one() {
  ColdKey key;
  Job job;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return ColdStep::idle;
    drop_old_answers();
    if (is_full()) {
      looked_ = false;
      return ColdStep::full;
    }
    key = waiting_.front();
    waiting_.pop_front();
    job = std::move(jobs_.at(key));
  }
  answer_all(job);
  job.done = true;
  const std::scoped_lock lock(mutex_);
  job.done_in = looks_ + 1;
  done_bytes_ += job.bytes;
  jobs_.at(key) = std::move(job);  // only what is done is ever erased
  done_.push_back(key);
  finished_.insert(key.partition);
  if (waiting_.size() < kJobsMax / 2) finished_.merge(turned_away_);
  return ColdStep::answered;
}

void ColdReads::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return kicked_ || (!waiting_.empty() && (looked_ || !is_full())); });
  kicked_ = false;
}

void ColdReads::kick() {
  const std::scoped_lock lock(mutex_);
  kicked_ = true;
  changed_.notify_one();
}

}  // namespace broker::storage
