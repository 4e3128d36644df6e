// A group's members as bytes.
#include "broker/storage/group_codec.h"

namespace broker::storage {

namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kProtocolBytesMin = 2 * kLengthBytes;
constexpr std::size_t kMemberBytesMin = 6 * kLengthBytes + 1 + 2 * 4;

void put_bytes(ByteWriter& out, const std::vector<std::byte>& bytes) {
  out.put(static_cast<std::uint32_t>(bytes.size()));
  out.put_bytes(bytes);
}
std::vector<std::byte> get_bytes(ByteReader& in) {
  const ConstBuffer bytes = in.take(in.get<std::uint32_t>());
  return {bytes.begin(), bytes.end()};
}

void put_member(ByteWriter& out, const GroupMember& member) {
  out.put_string(member.id);
  out.put(static_cast<std::uint8_t>(member.instance.has_value()));
  out.put_string(member.instance.value_or(""));
  out.put_string(member.client_id);
  out.put_string(member.client_host);
  out.put(member.session_timeout_ms);
  out.put(member.rebalance_timeout_ms);
  out.put(static_cast<std::uint32_t>(member.protocols.size()));
  for (const auto& [name, metadata] : member.protocols) {
    out.put_string(name);
    put_bytes(out, metadata);
  }
  put_bytes(out, member.assignment);
}
GroupMember get_member(ByteReader& in) {
  GroupMember member;
  member.id = in.get_string();
  const bool is_static = in.get<std::uint8_t>() != 0;
  std::string instance = in.get_string();
  if (is_static) member.instance = std::move(instance);
  member.client_id = in.get_string();
  member.client_host = in.get_string();
  member.session_timeout_ms = in.get<std::int32_t>();
  member.rebalance_timeout_ms = in.get<std::int32_t>();
  for (std::size_t left = in.get_count(kProtocolBytesMin); left > 0; --left) {
    std::string name = in.get_string();
    member.protocols.push_back({std::move(name), get_bytes(in)});
  }
  member.assignment = get_bytes(in);
  return member;
}

}  // namespace

std::size_t encoded_bytes(const GroupMember& member) {
  std::size_t sum = kMemberBytesMin + member.id.size() + (member.instance ? member.instance->size() : 0) +
                    member.client_id.size() + member.client_host.size() + member.assignment.size();
  for (const auto& [name, metadata] : member.protocols) sum += kProtocolBytesMin + name.size() + metadata.size();
  return sum;
}

void encode_generation(ByteWriter& out, const GroupGeneration& record) {
  out.put_string(record.group);
  out.put(record.generation);
  out.put(static_cast<std::uint8_t>(record.phase));
  out.put_string(record.protocol_type);
  out.put_string(record.protocol);
  out.put_string(record.leader);
  out.put(static_cast<std::uint8_t>(record.whole));
  out.put(static_cast<std::uint32_t>(record.removed.size()));
  for (const std::string& id : record.removed) out.put_string(id);
  out.put(static_cast<std::uint32_t>(record.members.size()));
  for (const GroupMember& member : record.members) put_member(out, member);
}

GroupGeneration decode_generation(ByteReader& in) {
  GroupGeneration record;
  record.group = in.get_string();
  record.generation = in.get<std::int32_t>();
  record.phase = static_cast<GroupPhase>(in.get<std::uint8_t>());
  if (record.phase > GroupPhase::dead) throw CorruptError("unknown phase of a group");
  record.protocol_type = in.get_string();
  record.protocol = in.get_string();
  record.leader = in.get_string();
  record.whole = in.get<std::uint8_t>() != 0;
  for (std::size_t left = in.get_count(kLengthBytes); left > 0; --left) record.removed.push_back(in.get_string());
  for (std::size_t left = in.get_count(kMemberBytesMin); left > 0; --left) record.members.push_back(get_member(in));
  return record;
}

}  // namespace broker::storage
