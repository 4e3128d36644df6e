// Questions in, answers out.
#include "broker/storage/cold_reads.h"

namespace broker::storage {

namespace {
constexpr std::size_t kJobsMax = 256;
constexpr std::uint64_t kDoneBytesMax = 32ULL << 20;
}  // namespace

void ColdReads::ask(const PartitionRef& partition, SegmentQuestion question, std::chrono::nanoseconds now) {
  const std::scoped_lock lock(mutex_);
  const Key key{partition, question.from};
  if (jobs_.contains(key)) return;
  if (waiting_.size() >= kJobsMax) {
    turned_away_.insert(partition);
    return;
  }
  jobs_.emplace(key, Job{.question = std::move(question), .answer = {}, .failure = nullptr, .asked_at = now});
  waiting_.push_back(key);
  changed_.notify_one();
}

std::optional<ColdAnswer> ColdReads::take(const PartitionRef& partition, Offset from) {
  const std::scoped_lock lock(mutex_);
  const auto found = jobs_.find({partition, from});
  if (found == jobs_.end() || !found->second.done) return std::nullopt;
  Job job = std::move(found->second);
  jobs_.erase(found);
  done_bytes_ -= job.answer.bytes.size();
  if (job.failure) std::rethrow_exception(job.failure);
  return ColdAnswer{std::move(job.question), std::move(job.answer)};
}

std::vector<PartitionRef> ColdReads::take_finished() {
  const std::scoped_lock lock(mutex_);
  std::vector<PartitionRef> finished(finished_.begin(), finished_.end());
  finished_.clear();
  return finished;
}

void ColdReads::forget_before(std::chrono::nanoseconds time) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(jobs_, [&](const auto& entry) {
    const bool old = entry.second.done && entry.second.asked_at < time;
    if (old) done_bytes_ -= entry.second.answer.bytes.size();
    return old;
  });
  std::erase_if(done_, [this](const Key& key) { return !jobs_.contains(key); });
}

// Under mutex_.
void ColdReads::drop_old_answers() {
  while (done_bytes_ > kDoneBytesMax && done_.size() > 1) {
    const auto oldest = jobs_.find(done_.front());
    done_.pop_front();
    if (oldest == jobs_.end() || !oldest->second.done) continue;
    done_bytes_ -= oldest->second.answer.bytes.size();
    jobs_.erase(oldest);
  }
}

bool ColdReads::run_one() {
  Key key;
  SegmentQuestion question;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return false;
    key = waiting_.front();
    waiting_.pop_front();
    question = jobs_.at(key).question;
  }
  SegmentAnswer found;
  std::exception_ptr failure;
  try {
    found = answer(files_, superblock_, question, MayWait::yes);
  } catch (const common::Error&) {
    failure = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  Job& job = jobs_.at(key);  // only what is done is ever erased
  done_bytes_ += found.bytes.size();
  job.answer = std::move(found);
  job.failure = failure;
  job.done = true;
  done_.push_back(key);
  drop_old_answers();
  finished_.insert(key.first);
  if (waiting_.size() < kJobsMax / 2) finished_.merge(turned_away_);
  return true;
}

void ColdReads::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return kicked_ || !waiting_.empty(); });
  kicked_ = false;
}

void ColdReads::kick() {
  const std::scoped_lock lock(mutex_);
  kicked_ = true;
  changed_.notify_one();
}

}  // namespace broker::storage
