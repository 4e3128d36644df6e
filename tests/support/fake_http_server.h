// An HTTP server whose answers a test writes: check-back owners and webhooks, honest, confused or silent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace test_support {

struct FakeRequest {
  std::string method;
  std::string path;                               // without the query
  std::string target;                             // as it stood in the request line
  std::map<std::string, std::string> parameters;  // decoded query
  std::map<std::string, std::string> headers;     // names in lower case
  std::string body;
};

struct FakeAnswer {
  enum class Fault {
    none,
    silence,   // no byte until release() or the server's end
    cut_body,  // half of the body, then the connection closes
  };
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers = {};
  Fault fault = Fault::none;
};

// Thread-safe. Serves up to 64 requests at once, so the script is called from several threads.
class FakeHttpServer {
 public:
  using Script = std::function<FakeAnswer(const FakeRequest&)>;

  // Listens on a free port of 127.0.0.1; answers 404 until told otherwise.
  FakeHttpServer();
  ~FakeHttpServer();
  FakeHttpServer(const FakeHttpServer&) = delete;
  FakeHttpServer& operator=(const FakeHttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url(const std::string& path = "/") const;

  void answer(FakeAnswer answer);                        // to everything
  void answer_in_turn(std::vector<FakeAnswer> answers);  // one each, the last one for ever
  void answer_by(Script script);
  void release();  // the silent requests of now get their answer after all

  [[nodiscard]] std::vector<FakeRequest> requests() const;  // in the order they came, also those answered with a fault
  [[nodiscard]] std::size_t request_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace test_support
