// A Fetch's answer in pieces: the same bytes as in one piece, and what is large is not copied.
#include "broker/protocol/response_frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/protocol/codec.h"
#include "broker/protocol/fetch.h"

namespace broker::protocol {
namespace {

using Bytes = std::vector<std::byte>;

FetchResponse answer_with(const std::vector<Bytes>& records) {
  FetchResponse response;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i % 3 == 0) {
      response.topics.emplace_back();
      response.topics.back().topic = "topic-" + std::to_string(i);
    }
    FetchPartitionResponse partition;
    partition.partition_index = static_cast<std::int32_t>(i);
    partition.high_watermark = 5;
    partition.records = BytesView(records[i]);
    response.topics.back().partitions.push_back(std::move(partition));
  }
  return response;
}

std::vector<Bytes> records_of(const std::vector<std::size_t>& sizes) {
  std::vector<Bytes> records;
  records.reserve(sizes.size());
  for (const std::size_t size : sizes) {
    records.emplace_back(size, static_cast<std::byte>('a' + records.size()));
  }
  return records;
}

bool has_piece(const ResponseFrame& frame, const Bytes& bytes) {
  bool found = false;
  frame.for_each_piece([&](std::span<const std::byte> piece) {
    found = found || (piece.data() == bytes.data() && piece.size() == bytes.size());
  });
  return found;
}

TEST(ResponseFrame, IsTheSameInPiecesAsInOne) {
  const auto records =
      records_of({0, 100, kBorrowBytesMin - 1, kBorrowBytesMin, 0, 100'000, kBorrowBytesMin, 7, 5'000});
  const auto response = answer_with(records);
  for (std::int16_t version = 4; version <= 16; ++version) {
    auto frame = encode_borrowing(response, ApiVersion(version), CorrelationId(9));
    const auto whole = encode_response(response, ApiVersion(version), CorrelationId(9));
    EXPECT_EQ(frame.size(), whole.size()) << "version " << version;
    EXPECT_EQ(frame.joined(), whole) << "version " << version;
    const ResponseFrame moved = std::move(frame);
    EXPECT_EQ(moved.joined(), whole) << "version " << version;
  }
}

TEST(ResponseFrame, CopiesOnlyWhatIsSmall) {
  const auto records = records_of({kBorrowBytesMin - 1, kBorrowBytesMin, 100'000});
  const auto frame = encode_borrowing(answer_with(records), ApiVersion(12), CorrelationId(1));
  EXPECT_FALSE(has_piece(frame, records[0]));
  EXPECT_TRUE(has_piece(frame, records[1]));
  EXPECT_TRUE(has_piece(frame, records[2]));
}

TEST(ResponseFrame, KeepsWhatItIsGivenWhereItLies) {
  common::ByteBuffer bytes(kBorrowBytesMin);
  std::ranges::fill(bytes, std::byte{'k'});
  ResponseFrame frame(Bytes(3, std::byte{'e'}));
  frame.borrow(1, bytes);
  frame.keep(std::move(bytes));
  const ResponseFrame moved = std::move(frame);
  Bytes wanted(3 + kBorrowBytesMin, std::byte{'k'});
  wanted.front() = wanted[wanted.size() - 2] = wanted.back() = std::byte{'e'};
  EXPECT_EQ(moved.joined(), wanted);
}

}  // namespace
}  // namespace broker::protocol
