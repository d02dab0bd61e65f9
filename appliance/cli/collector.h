// A collector that gets datagrams.
#pragma once

#include <string>
#include <string_view>

namespace fedge::cli {

class Collector {
  public:
    // "HOST:PORT", "[2001:db8::1]:PORT". Throws Failure (Exit::usage) when it is nothing that can be sent to.
    explicit Collector(const std::string& where);
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    // Datagrams may be lost without anybody noticing.
    void send(std::string_view datagram) const;

  private:
    int socket_ = -1;
};

}  // namespace fedge::cli
