// check_produced against a second reading of the same bytes, and the four fields that the broker writes into a batch.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/record_batch.h"
#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/wire.h"
#include "broker/storage/batch_header.h"
#include "tests/fuzz/target.h"

namespace fuzz {
namespace {

using namespace broker::protocol;  // NOLINT(google-build-using-namespace): a test of this namespace alone

constexpr std::size_t kSizeMax = 1 << 20;
constexpr std::size_t kAttributesAt = 21;
constexpr std::int64_t kAppendTimeMs = 1'800'000'000'000;

// The timestamps of uncompressed records, read by the plainest loop there is; none: they make no sense.
std::optional<std::vector<std::int64_t>> plain_timestamps(const BatchHeader& header) {
  std::vector<std::int64_t> timestamps;
  Bytes rest = header.bytes.span().subspan(kBatchHeaderBytes);
  bool good = true;
  const auto varlong = [&]() -> std::int64_t {
    std::uint64_t bits = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (rest.empty()) break;
      const auto octet = std::to_integer<std::uint64_t>(rest.front());
      rest = rest.subspan(1);
      bits |= (octet & 127U) << shift;
      if (octet < 128) return static_cast<std::int64_t>((bits >> 1U) ^ (0 - (bits & 1U)));
    }
    good = false;
    return 0;
  };
  while (!rest.empty() && good) {
    const std::int64_t length = varlong();
    if (!good || length < 1 || static_cast<std::size_t>(length) > rest.size()) return std::nullopt;
    const Bytes behind = rest.subspan(static_cast<std::size_t>(length));
    rest = rest.first(static_cast<std::size_t>(length)).subspan(1);
    timestamps.push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(header.base_timestamp_ms) +
                                                   static_cast<std::uint64_t>(varlong())));
    if (varlong() != static_cast<std::int64_t>(timestamps.size()) - 1) return std::nullopt;
    rest = behind;
  }
  if (!good) return std::nullopt;
  return timestamps;
}

void check_records(const CheckedBatch& checked) {
  const auto timestamps = plain_timestamps(checked.header);
  check(timestamps.has_value(), "records were accepted that cannot be read");
  check(timestamps->size() == static_cast<std::size_t>(checked.header.record_count), "another number of records");
  check(std::ranges::max(*timestamps) == checked.max_timestamp_ms, "another maximum of timestamps");
}

void check_found(const BatchHeader& header) {
  for (const std::int64_t from : {header.base_offset - 1, header.base_offset, header.last_offset() + 1}) {
    const auto found = find_record(header, from, header.max_timestamp_ms);
    if (!found) continue;
    check(found->offset >= std::max(from, header.base_offset) && found->offset <= header.last_offset(),
          "a record was found outside of its batch");
    check(found->timestamp_ms >= header.max_timestamp_ms, "a record was found that is earlier than asked");
  }
}

BatchHeader header_of(Bytes batch) {
  const auto header = peek_batch(batch);
  check(header && header->size() == batch.size(), "an accepted batch is not one whole batch");
  return *header;
}

void check_accepted(Bytes bytes, const CheckedBatch& checked) {
  check(crc_matches(checked.header), "accepted with a wrong checksum");
  BatchIterator batches(bytes);
  check(batches.next().has_value() && !batches.next().has_value() && batches.rest().empty(), "not exactly one batch");
  if (checked.header.codec_bits() == 0) check_records(checked);

  std::vector<std::byte> stored(bytes.begin(), bytes.end());
  set_max_timestamp(stored, checked.max_timestamp_ms);
  const CheckedBatch mended = check_produced(stored, kSizeMax);
  check(mended.fault == BatchFault::none, "mending the maximum made it bad: " + std::string(name(mended.fault)));
  check(mended.header.max_timestamp_ms == checked.max_timestamp_ms, "the maximum was not mended");

  set_base_offset(stored, 4'711);
  set_leader_epoch(stored, 7);
  const BatchHeader header = header_of(stored);
  check(crc_matches(header) && header.base_offset == 4'711 && header.leader_epoch == 7, "offset or epoch spoilt it");
  check_found(header);
  const auto seen_by_storage = broker::storage::parse_batch_header(stored);
  check(seen_by_storage && broker::storage::batch_is_whole(*seen_by_storage, stored),
        "the storage takes it for damaged");
  check(seen_by_storage->end.value() == header.last_offset() + 1 &&
            seen_by_storage->max_timestamp_ms == header.max_timestamp_ms,
        "the storage reads another end or time");

  set_log_append_time(stored, kAppendTimeMs);
  const BatchHeader stamped = header_of(stored);
  check(crc_matches(stamped), "the append time spoilt the checksum");
  check(stamped.log_append_time() && stamped.max_timestamp_ms == kAppendTimeMs, "the append time is not there");
  check(stamped.codec_bits() == header.codec_bits() && stamped.record_count == header.record_count,
        "the append time changed something else");
  check_found(stamped);
}

void judge(Bytes bytes) {
  const CheckedBatch checked = check_produced(bytes, kSizeMax);
  check(!name(checked.fault).empty() && name(checked.fault) != "unknown", "a fault without a name");
  check((error_code(checked.fault) == ErrorCode::none) == (checked.fault == BatchFault::none), "a fault without error");
  BatchIterator batches(bytes);
  while (batches.next()) {
  }
  std::vector<std::byte> longer(bytes.begin(), bytes.end());
  longer.push_back(std::byte{0});
  // (To one that was cut off by a byte, this may be the byte that it lacks.)
  if (checked) check(check_produced(longer, kSizeMax).fault != BatchFault::none, "accepted with a byte too many");
  check(check_produced(Bytes(longer).first(bytes.size()), kSizeMax).fault == checked.fault,
        "two verdicts on one batch");
  if (checked) check_accepted(bytes, checked);
}

}  // namespace

void fuzz_batches(Bytes input) {
  judge(input);
  if (input.size() < kBatchHeaderBytes) return;
  std::vector<std::byte> mended(input.begin(), input.end());
  store_big_endian(mended.data() + kBatchLengthOffset, static_cast<std::int32_t>(mended.size() - kBatchOverheadBytes));
  mended[kBatchLengthOffset + 8] = std::byte{2};  // magic
  reseal(mended);
  judge(mended);
  // And as any producer writes them, so that the records are what decides.
  std::fill_n(mended.data(), kBatchLengthOffset, std::byte{0});
  mended[kAttributesAt] = std::byte{0};
  mended[kAttributesAt + 1] &= std::byte{7};
  reseal(mended);
  judge(mended);
}

}  // namespace fuzz
