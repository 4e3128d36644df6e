// protocol_recorder PORT FOLDER CLIENT: the scripted broker, writing the first request of each API and version that a
// client sends to FOLDER/CLIENT-<api>-v<version>.hex. Ends when its standard input does. How the captures of
// tests/unit/protocol are made; see the README there.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "broker/protocol/api_table.h"
#include "tests/integration/protocol/scripted_broker.h"
#include "tests/unit/protocol/hex.h"

namespace {

using namespace broker::protocol;

void record(const std::filesystem::path& folder, const std::string& client, const RequestHeader& header,
            std::span<const std::byte> frame) {
  const ApiEntry* api = find_api(header.key);
  if (api == nullptr) return;
  const auto file =
      folder / (client + "-" + std::string(api->name) + "-v" + std::to_string(header.version.value()) + ".hex");
  if (std::filesystem::exists(file)) return;
  std::string text = to_hex(frame);
  for (std::size_t at = 96; at < text.size(); at += 97) text.insert(at, "\n");
  std::ofstream(file) << text << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: protocol_recorder PORT FOLDER CLIENT\n";
    return 64;
  }
  try {
    const std::filesystem::path folder = argv[2];
    const std::string client = argv[3];
    const ScriptedBroker broker(
        static_cast<std::uint16_t>(std::stoi(argv[1])),
        [&](const RequestHeader& header, std::span<const std::byte> frame) { record(folder, client, header, frame); });
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
