// HTTP responses, good and bad, whole and in every cut.
#include "relay/http/response_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/seed.h"

namespace relay::http {
namespace {

using State = ResponseReader::State;

struct Case {
  const char* name;
  std::string bytes;
  State after_end;  // once the peer has closed
  int status;
  std::string body;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", State::complete, 200, "hi"},
      {"no reason", "HTTP/1.1 409\r\ncontent-length:0\r\n\r\n", State::complete, 409, ""},
      {"until close", "HTTP/1.0 200 OK\r\n\r\nhello", State::complete, 200, "hello"},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\n",
       State::complete, 200, "abc"},
      {"interim", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", State::complete,
       200, "x"},
      {"no content", "HTTP/1.1 204 No\r\n\r\n", State::complete, 204, ""},
      {"half body", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi", State::body, 200, "hi"},
      {"half chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", State::body, 200, "ab"},
      {"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", State::body, 200, "a"},
      {"half head", "HTTP/1.1 200 OK\r\nContent-Le", State::head, 0, ""},
      {"nothing", "", State::head, 0, ""},
      {"declared too large", "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n", State::too_large, 200, ""},
      {"junk", "SSH-2.0-OpenSSH\r\n", State::malformed, 0, ""},
      {"old protocol", "HTTP/2 200\r\n\r\n", State::malformed, 0, ""},
      {"no status", "HTTP/1.1 abc OK\r\n\r\n", State::malformed, 0, ""},
      {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", State::malformed, 0, ""},
      {"status too low", "HTTP/1.1 099 OK\r\n\r\n", State::malformed, 0, ""},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", State::malformed, 0, ""},
      {"list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", State::malformed, 0, ""},
      {"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", State::malformed, 0, ""},
      {"length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       State::malformed, 0, ""},
      {"gzip coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", State::malformed, 0, ""},
      {"folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", State::malformed, 0, ""},
      {"space before colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", State::malformed, 0, ""},
      {"field without colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", State::malformed, 0, ""},
      {"chunk size not hex", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", State::malformed, 200, ""},
      {"chunk too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", State::too_large, 200, ""},
      {"chunk size overflows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n", State::malformed,
       200, ""},
      {"chunk without its end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", State::malformed,
       200, "a"},
  };
  return all;
}

TEST(ResponseReader, EveryKindWhole) {
  for (const auto& one : cases()) {
    ResponseReader reader;
    reader.feed(one.bytes);
    EXPECT_EQ(reader.end(), one.after_end) << one.name;
    EXPECT_EQ(reader.status(), one.status) << one.name;
    EXPECT_EQ(reader.body(), one.body) << one.name;
  }
}

TEST(ResponseReader, EveryKindByteByByte) {
  for (const auto& one : cases()) {
    ResponseReader reader;
    for (const char byte : one.bytes) reader.feed({&byte, 1});
    EXPECT_EQ(reader.end(), one.after_end) << one.name;
    EXPECT_EQ(reader.status(), one.status) << one.name;
    EXPECT_EQ(reader.body(), one.body) << one.name;
  }
}

TEST(ResponseReader, ACompleteAnswerNeedsEveryByte) {
  for (const auto& one : cases()) {
    if (one.after_end != State::complete || one.bytes.starts_with("HTTP/1.0")) continue;
    for (std::size_t size = 0; size < one.bytes.size(); ++size) {
      ResponseReader reader;
      reader.feed(std::string_view(one.bytes).substr(0, size));
      EXPECT_NE(reader.end(), State::complete) << one.name << " cut at " << size;
    }
  }
}

TEST(ResponseReader, EndlessThingsAreBounded) {
  ResponseReader fields;
  for (int i = 0; i < 100'000 && fields.state() == State::head; ++i)
    fields.feed(i == 0 ? "HTTP/1.1 200 OK\r\n" : "X-Junk: aaaaaaaaaaaaaaaa\r\n");
  EXPECT_EQ(fields.state(), State::malformed);

  ResponseReader chunks;
  chunks.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 200'000 && chunks.state() == State::body; ++i) chunks.feed("1\r\nx\r\n");
  EXPECT_EQ(chunks.state(), State::too_large);
  EXPECT_EQ(chunks.body().size(), 64U * 1024);

  ResponseReader body;
  body.feed("HTTP/1.1 200 OK\r\n\r\n");
  for (int i = 0; i < 200 && body.state() == State::body; ++i) body.feed(std::string(1000, 'x'));
  EXPECT_EQ(body.state(), State::too_large);

  ResponseReader interim;
  for (int i = 0; i < 100'000 && interim.state() == State::head; ++i) interim.feed("HTTP/1.1 103 Early\r\n\r\n");
  EXPECT_EQ(interim.state(), State::malformed);
}

TEST(ResponseReader, RandomDamageNeverHarms) {
  std::mt19937 random(test_support::seed());
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = cases()[random() % cases().size()].bytes;
    for (unsigned n = random() % 4; n > 0 && !bytes.empty(); --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    ResponseReader reader;
    std::string_view left = bytes;
    while (!left.empty()) {
      const std::size_t size = std::min<std::size_t>(left.size(), 1 + random() % 16);
      reader.feed(left.substr(0, size));
      left.remove_prefix(size);
    }
    reader.end();
    EXPECT_LE(reader.body().size(), 64U * 1024);
  }
}

}  // namespace
}  // namespace relay::http
