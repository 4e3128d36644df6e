// The coordinator of classic consumer groups: a pure state machine. Time is handed in, randomness and the journal are
// functions; answers that must wait for others are called back. Core thread only, never blocks.
//
//   empty → preparing rebalance (members join) → completing rebalance (the leader syncs) → stable → preparing …
//
// What a member is told is in the journal first, and every answer carries the ticket of the journal's newest record of
// any group: generations with their members, assignments, who is gone, that a rebalance has begun. So a restart changes
// nothing for those who come back within a session time-out. Not in the journal, because nobody was told: joins that
// wait, ids given out in advance (their owners begin anew).
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/group.h"
#include "broker/core/group_requests.h"

namespace broker::core {

class Groups {
 public:
  struct Surroundings {
    std::function<storage::Ticket(storage::GroupGeneration)> journal;  // applies and submits
    std::function<std::string()> random_suffix;                        // for member ids
    // How many a group has committed (deserted and without any, it is forgotten); none: the journal has no such group.
    std::function<std::optional<std::size_t>(const std::string&)> offsets;
  };
  Groups(GroupLimits limits, Surroundings surroundings);

  // A group as the journal knows it, whole; before the first request. Its members have a full session time-out from
  // `now` on to come back.
  void recover(const storage::GroupGeneration& state, Time now);

  void join(JoinRequest request, Time now, JoinReply reply);
  void sync(SyncRequest request, Time now, SyncReply reply);
  [[nodiscard]] protocol::ErrorCode heartbeat(const MemberRef& who, Time now);
  // One answer per member that leaves.
  [[nodiscard]] std::vector<protocol::ErrorCode> leave(const std::string& name, const std::vector<Leaving>& leaving,
                                                       Time now);
  // May this member commit offsets now? Counts as a heartbeat. Generation −1: a consumer that is in no group, for which
  // one is made. To be followed by committed(), whatever came of it.
  [[nodiscard]] protocol::ErrorCode may_commit(const MemberRef& who, Time now);
  void committed(const std::string& name, Time now);
  // Offsets were deleted, durable with `ticket`: a deserted group that has none left is forgotten.
  void offsets_deleted(const std::string& name, storage::Ticket ticket);
  // Ends an empty group, its offsets included.
  [[nodiscard]] protocol::ErrorCode end(const std::string& name);

  // When advance() has something to do; none: nothing is due.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  void advance(Time now);

  [[nodiscard]] const Group* find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Group>>& all() const { return groups_; }
  [[nodiscard]] std::size_t size() const { return groups_.size(); }
  // What is said of groups depends on this frame, too.
  void await(storage::Ticket ticket) { ticket_ = std::max(ticket_, ticket); }
  // Answers that say anything about groups wait for this one.
  [[nodiscard]] storage::Ticket ticket() const { return ticket_; }

 private:
  Group* find_mutable(const std::string& name);
  Group* find_or_make(const std::string& name);
  [[nodiscard]] protocol::ErrorCode refuse_join(const JoinRequest& request) const;
  [[nodiscard]] bool has_place(const Group& group, const JoinRequest& request) const;
  [[nodiscard]] protocol::ErrorCode check_member(const Group& group, const std::string& member,
                                                 const std::optional<std::string>& instance) const;

  void join_new(Group& group, JoinRequest& request, Time now, JoinReply reply);
  void join_known(Group& group, Member& member, JoinRequest& request, Time now, JoinReply reply);
  void replace_static(Group& group, JoinRequest& request, Time now, JoinReply reply);
  void add_member(Group& group, JoinRequest& request, std::string id, Time now, JoinReply reply);
  void update_member(Group& group, Member& member, JoinRequest& request, JoinReply reply);
  [[nodiscard]] protocol::ErrorCode refuse_sync(const Group& group, const SyncRequest& request) const;
  void take_assignments(Group& group, SyncRequest& request, Time now);

  // groups_rebalance.cc
  void prepare_rebalance(Group& group, Time now);
  void try_complete(Group& group, Time now);
  void complete_join(Group& group, Time now);
  void become_empty(Group& group, Time now);
  void answer_join(Group& group, Member& member);
  void answer_syncs(Group& group, protocol::ErrorCode error, Time now);
  void remove_member(Group& group, const std::string& id);
  void after_removal(Group& group, Time now);
  void expire(Group& group, Time now);
  void schedule(Group& group);

  // groups_record.cc
  void add_bytes(Group& group, const Member& member);
  void subtract_bytes(Group& group, const Member& member);
  void record_whole(Group& group);
  void record_changes(Group& group);
  void forget_if_unused(Group& group);
  void forget(Group& group);
  void say(JoinReply reply, JoinAnswer answer);
  void say(SyncReply reply, SyncAnswer answer);
  void refuse(JoinReply reply, protocol::ErrorCode error, const std::string& member);
  void refuse(SyncReply reply, protocol::ErrorCode error);
  // At the end of everything that may change a group: journals what is not, then answers. May end the group.
  void finish(Group& group);
  void send_answers();

  GroupLimits limits_;
  Surroundings around_;
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::set<std::pair<Time, Group*>> due_;
  std::size_t bytes_ = 0;  // of all members
  storage::Ticket ticket_;
  std::vector<std::pair<JoinReply, JoinAnswer>> joins_said_;
  std::vector<std::pair<SyncReply, SyncAnswer>> syncs_said_;
};

}  // namespace broker::core
