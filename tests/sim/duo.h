// Two hosts with one link, for tests that say themselves what happens on it. With FEDGE_SIM_TRACE in the environment
// every packet is printed.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "tests/sim/network.h"
#include "tests/sim/sessions.h"

namespace fedge::sim {

inline constexpr uint16_t kDuoPort = 5061;

struct DuoSetup {
    LinkConditions towards_server;
    LinkConditions towards_client;
    tcp::StreamOptions client_options;
    tcp::StreamOptions server_options;
    tcp::Settings client_settings = small_settings();
    tcp::Settings server_settings = small_settings();
    uint64_t seed = 1;
    std::FILE* trace = std::getenv("FEDGE_SIM_TRACE") ? stdout : nullptr;

    // Enough for some dozens of connections, and quickly made.
    static tcp::Settings small_settings() {
        tcp::Settings settings;
        settings.limits.connections = 64;
        settings.limits.half_open = 64;
        settings.limits.time_wait = 128;
        settings.limits.buffer_blocks = 4096;
        settings.limits.destinations = 64;
        return settings;
    }
};

class Duo {
  public:
    explicit Duo(const DuoSetup& setup = {})
        : network_(setup.seed, setup.trace),
          client_(network_.add({"client", addresses(1), setup.client_settings})),
          server_(network_.add({"server", addresses(2), setup.server_settings})),
          sessions_(network_, client_, server_, setup.client_options, setup.server_options, setup.seed) {
        network_.join(client_, server_, setup.towards_server, setup.towards_client);
        sessions_.listen(kDuoPort);
    }

    Network& network() { return network_; }
    Host& client() { return client_; }
    Host& server() { return server_; }
    Link& towards_server() { return network_.link(client_, server_); }
    Link& towards_client() { return network_.link(server_, client_); }
    Sessions& sessions() { return sessions_; }

    Session& connect(const SessionPlan& plan) { return *sessions_.connect(plan, kDuoPort); }
    // A client that sends so much to a server that only reads; both end in order.
    static SessionPlan upload(uint64_t bytes) {
        SessionPlan plan;
        plan.client.to_send = bytes;
        return plan;
    }
    static SessionPlan download(uint64_t bytes) {
        SessionPlan plan;
        plan.server.to_send = bytes;
        return plan;
    }
    // Until every session is over; false: not within that time.
    bool run(Duration at_most) {
        return network_.run_until(network_.now() + at_most, [this] { return sessions_.all_over(); });
    }
    bool empty(Host& host) const {
        tcp::MemoryUse use = host.tcp().memory();
        return use.connections == 0 && use.half_open == 0 && use.time_wait == 0 && use.blocks_used == 0;
    }

  private:
    static std::vector<IpAddress> addresses(uint32_t n) {
        return {IpAddress::v4(0xc0000200 + n), IpAddress::words(0x20010db8'00000000, n)};
    }

    Network network_;
    Host& client_;
    Host& server_;
    Sessions sessions_;
};

}  // namespace fedge::sim
