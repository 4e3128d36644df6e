// The coordinator of classic consumer groups: a pure state machine. Time is handed in, randomness and the journal are
// functions; answers that must wait for others are called back. Core thread only, never blocks.
//
//   empty → preparing rebalance (members join) → completing rebalance (the leader syncs) → stable → preparing …
//
// Generation and static members are durable before an answer leaves (each carries its ticket). Members are not state:
// after a restart a group is `recovered`: its old members are told to rejoin under their old ids and may still commit
// in the old generation, until the first new generation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/group.h"

namespace broker::core {

struct GroupLimits {
  std::chrono::milliseconds session_timeout_min{1'000};
  std::chrono::milliseconds session_timeout_max{1'800'000};
  std::chrono::milliseconds initial_delay{500};     // an empty group waits so long for more members
  std::chrono::milliseconds recovery_delay{3'000};  // a recovered one: a heartbeat interval of the usual clients
  std::size_t groups_max = 10'000;
  std::size_t members_max = 1'000;           // of one group
  std::size_t member_bytes_max = 256 << 10;  // what a member sends of itself
  std::size_t bytes_max = 16 << 20;          // of all members of all groups
};

struct JoinRequest {
  std::string group;
  std::string member;  // empty: new
  std::optional<std::string> instance;
  std::string client_id;
  std::string client_host;
  std::string protocol_type;
  std::vector<GroupProtocol> protocols;
  std::chrono::milliseconds session_timeout{};
  std::chrono::milliseconds rebalance_timeout{};
  bool id_first = false;             // v4: a new member is given its id and asked to come again
  bool may_skip_assignment = false;  // v9: knows skip_assignment
};
struct SyncRequest {
  std::string group;
  Generation generation;
  std::string member;
  std::optional<std::string> instance;
  std::optional<std::string> protocol_type;  // v5
  std::optional<std::string> protocol;       // v5
  std::vector<std::pair<std::string, std::vector<std::byte>>> assignments;
};
// Who speaks, in heartbeats and commits.
struct MemberRef {
  std::string group;
  Generation generation;
  std::string member;
  std::optional<std::string> instance;
};
struct Leaving {
  std::string member;
  std::optional<std::string> instance;
};

class Groups {
 public:
  struct Surroundings {
    std::function<storage::Ticket(storage::GroupState)> journal;  // applies and submits
    std::function<std::string()> random_suffix;                   // for member ids
    std::function<bool(const std::string&)> has_offsets;          // an empty group without any is forgotten
  };
  Groups(GroupLimits limits, Surroundings surroundings);

  // What the journal knew of a group; before the first request.
  void recover(const storage::GroupState& state);

  void join(JoinRequest request, Time now, JoinReply reply);
  void sync(SyncRequest request, Time now, SyncReply reply);
  [[nodiscard]] protocol::ErrorCode heartbeat(const MemberRef& who, Time now);
  // One answer per member that leaves.
  [[nodiscard]] std::vector<protocol::ErrorCode> leave(const std::string& name, const std::vector<Leaving>& leaving,
                                                       Time now);
  // May this member commit offsets now? Counts as a heartbeat. Generation −1: a consumer that is in no group.
  [[nodiscard]] protocol::ErrorCode may_commit(const MemberRef& who, Time now);

  // When advance() has something to do; none: nothing is due.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  void advance(Time now);

  [[nodiscard]] const Group* find(const std::string& name) const;
  [[nodiscard]] std::size_t size() const { return groups_.size(); }

 private:
  Group* find_mutable(const std::string& name);
  Group* find_or_make(const std::string& name);
  [[nodiscard]] protocol::ErrorCode refuse_join(const JoinRequest& request) const;
  [[nodiscard]] protocol::ErrorCode check_member(const Group& group, const std::string& member,
                                                 const std::optional<std::string>& instance) const;

  void join_new(Group& group, JoinRequest& request, Time now, JoinReply reply);
  void join_known(Group& group, Member& member, JoinRequest& request, Time now, JoinReply reply);
  void replace_static(Group& group, JoinRequest& request, Time now, JoinReply reply);
  void add_member(Group& group, JoinRequest& request, std::string id, Time now, JoinReply reply);
  void update_member(Member& member, JoinRequest& request, JoinReply reply);
  void sync_stable_or_completing(Group& group, Member& member, SyncRequest& request, Time now, SyncReply reply);

  // groups_rebalance.cc
  void prepare_rebalance(Group& group, Time now);
  void try_complete(Group& group, Time now);
  void complete_join(Group& group, Time now);
  void become_empty(Group& group);
  void answer_join(Group& group, Member& member);
  void answer_syncs(Group& group, protocol::ErrorCode error, Time now);
  void remove_member(Group& group, const std::string& id);
  void after_removal(Group& group, Time now);
  void expire(Group& group, Time now);
  void schedule(Group& group);
  void forget_if_unused(Group& group);

  GroupLimits limits_;
  Surroundings around_;
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::set<std::pair<Time, Group*>> due_;
  std::size_t bytes_ = 0;  // of all members
};

}  // namespace broker::core
