// A server that is attacked, a good client beside, and the attacker.
#pragma once

#include <gtest/gtest.h>

#include "tests/sim/attacker.h"
#include "tests/sim/duo.h"

namespace fedge::sim {

class Abuse : public testing::TestWithParam<bool> {
  protected:
    static constexpr Duration kTimeWait = 60s;

    static DuoSetup setup() {
        DuoSetup setup;
        setup.towards_server.delay = setup.towards_client.delay = 10ms;
        setup.towards_client.bytes_per_second = setup.towards_server.bytes_per_second = 20'000'000 / 8;
        setup.server_settings.limits.connections = 256;
        setup.server_settings.limits.half_open = 128;
        setup.server_settings.limits.connections_per_prefix = 64;
        setup.server_settings.limits.half_open_per_prefix = 32;
        setup.server_settings.limits.buffer_blocks = 8192;
        return setup;
    }
    Endpoint victim(Duo& duo) const { return {address_of(duo.server(), GetParam()), kDuoPort}; }
    Session& connect(Duo& duo, SessionPlan plan) const {
        plan.ipv6 = GetParam();
        return duo.connect(plan);
    }
    // Everything that good clients sent and asked for arrived, in order to the end.
    static void expect_served(Duo& duo) {
        for (const auto& session : duo.sessions().all()) {
            ASSERT_TRUE(session->server) << session->client->name();
            EXPECT_EQ(session->client->received(), session->plan.server.to_send) << session->client->name();
            EXPECT_EQ(session->server->received(), session->plan.client.to_send) << session->client->name();
            EXPECT_EQ(session->client->reason(), tcp::CloseReason::finished) << session->client->name();
            EXPECT_EQ(session->server->reason(), tcp::CloseReason::finished) << session->client->name();
        }
        EXPECT_TRUE(duo.network().findings().empty()) << duo.network().findings().text();
    }
    static wire::TcpOptions modern() {
        wire::TcpOptions options;
        options.mss = 1460;
        options.has_window_scale = true;
        options.window_scale = 7;
        options.sack_permitted = true;
        options.has_timestamps = true;
        options.timestamps = {1000, 0};
        return options;
    }
    static wire::TcpOptions plain(uint16_t mss = 1460) {
        wire::TcpOptions options;
        options.mss = mss;
        return options;
    }
};

}  // namespace fedge::sim
