// What a random simulation is going to be, drawn from its seed before it starts: the wire, the hosts, the applications.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/tcp/tcp.h"
#include "tests/sim/link.h"
#include "tests/sim/sessions.h"

namespace fedge::sim {

struct PlannedSession {
    Duration starts{0};
    SessionPlan session;
};

// The path's MTU becomes this in one direction.
struct MtuChange {
    Duration at{0};
    bool towards_server = true;
    uint16_t mtu = 1500;
};

struct Plan {
    LinkConditions towards_server;
    LinkConditions towards_client;
    bool client_cubic = true;
    bool server_cubic = true;
    Duration client_turn{0};
    Duration server_turn{0};
    uint16_t client_mtu = 1500;
    uint16_t server_mtu = 1500;
    bool cookies = false;  // the server's SYN cache has no room to speak of
    tcp::StreamOptions client_options;
    tcp::StreamOptions server_options;
    std::vector<PlannedSession> sessions;
    std::vector<MtuChange> mtu_changes;
    Duration lies_every{0};        // false ICMP; 0 = none
    uint32_t closed_ports = 0;     // connections to where nobody listens
    uint32_t refused_accepts = 0;  // connections whose acceptor says no
};

Plan draw_plan(uint64_t seed);
// For --verbose.
std::string text_of(const Plan& plan);

}  // namespace fedge::sim
