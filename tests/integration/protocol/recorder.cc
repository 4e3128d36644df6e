// protocol_recorder PORT FOLDER CLIENT: the scripted broker, writing the first request of each API and version that a
// client sends to FOLDER/CLIENT.txt. Ends when its standard input does. How the captures of
// tests/unit/protocol are made; see the README there.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <set>
#include <string>
#include <utility>

#include "broker/protocol/api_table.h"
#include "tests/integration/protocol/scripted_broker.h"
#include "tests/unit/protocol/hex.h"

namespace {

using broker::protocol::ApiEntry;
using broker::protocol::ApiKey;
using broker::protocol::ApiVersion;
using broker::protocol::find_api;
using broker::protocol::RequestHeader;
using broker::protocol::ScriptedBroker;
using broker::protocol::to_hex;

class Recorder {
 public:
  Recorder(const std::filesystem::path& folder, const std::string& client) : file_(folder / (client + ".txt")) {
    file_ << "# Requests that " << client << " sent, with their length bytes. Recorded by protocol_recorder.\n";
  }
  void operator()(const RequestHeader& header, std::span<const std::byte> frame) {
    const ApiEntry* api = find_api(header.key);
    if (api == nullptr || !seen_.insert({header.key, header.version}).second) return;
    std::string text = to_hex(frame);
    for (std::size_t at = 96; at < text.size(); at += 97) text.insert(at, "\n");
    file_ << "\n= " << api->name << " v" << header.version.value() << "\n" << text << std::endl;
  }

 private:
  std::ofstream file_;
  std::set<std::pair<ApiKey, ApiVersion>> seen_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: protocol_recorder PORT FOLDER CLIENT\n";
    return 64;
  }
  try {
    Recorder recorder(argv[2], argv[3]);
    const ScriptedBroker broker(static_cast<std::uint16_t>(std::stoi(argv[1])), std::ref(recorder));
    std::cout << "listening on 127.0.0.1:" << broker.port() << std::endl;
    char octet = 0;
    while (::read(STDIN_FILENO, &octet, 1) > 0) {
    }
    for (const std::string& complaint : broker.complaints()) std::cout << "complaint: " << complaint << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
