// Scenarios over our TCP and over the kernel's, plain or with TLS on top: a client's user, a server's, and the world
// between them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <tuple>

#include "tests/support/stream_worlds.h"
#include "tests/unit/tcp/stream_users.h"

namespace fedge::tcp {

using test::Carrier;

inline std::string numbers(size_t size) {
    std::string text;
    for (uint32_t i = 0; text.size() < size; i++) text += std::to_string(i) + ' ';
    text.resize(size);
    return text;
}

class BothStreams : public testing::TestWithParam<std::tuple<Carrier, Family>> {
  protected:
    static constexpr Duration kLimit = 30s;

    void SetUp() override {
        world = test::make_world(carrier(), std::get<1>(GetParam()));
        port = listen(users);
        ASSERT_NE(port, 0);
    }
    // Whatever a scenario did, nothing stays behind when its streams have ended.
    void TearDown() override {
        for (auto* side : {&own, &users.all})
            for (User& user : *side)
                if (!user.gone && user.stream) user.abort();
        EXPECT_TRUE(until([&] { return world->streams() == 0; })) << world->streams() << " streams are left";
    }

    Carrier carrier() const { return std::get<0>(GetParam()); }
    bool kernel() const { return carrier() == Carrier::kernel; }
    bool until(const std::function<bool()>& done, Duration limit = kLimit) { return world->until(done, limit); }
    void pass(Duration time) {
        until([] { return false; }, time);
    }

    uint16_t listen(Acceptor& acceptor) {
        for (uint16_t at = next_port; at < next_port + 1000; at++)
            if (world->server().listen({world->server_address(), at}, options, acceptor)) {
                next_port = static_cast<uint16_t>(at + 1);
                return at;
            }
        return 0;
    }
    User& fresh() { return own.emplace_back(); }
    void begin(User& user, uint16_t to = 0) {
        user.stream = world->client().connect({world->client_address(), 0}, {world->server_address(), to ? to : port},
                                              options, user);
        ASSERT_TRUE(user.stream);
    }
    // A connection with the client's user and the server's.
    User& connect(User& user) {
        size_t before = users.all.size();
        begin(user);
        EXPECT_TRUE(until([&] { return user.told("open") && users.all.size() > before; }));
        if (users.all.size() == before) users.all.emplace_back();
        return *std::next(users.all.begin(), static_cast<std::ptrdiff_t>(before));
    }

    std::unique_ptr<test::StreamWorld> world;
    StreamOptions options;
    Users users;
    std::list<User> own;
    uint16_t port = 0;
    uint16_t next_port = 21000;
};

inline std::string label(const testing::TestParamInfo<std::tuple<Carrier, Family>>& info) {
    constexpr const char* kCarriers[] = {"Ours", "OursImpaired", "Kernel"};
    return std::string(kCarriers[static_cast<size_t>(std::get<0>(info.param))]) +
           (std::get<1>(info.param) == Family::ipv4 ? "Ipv4" : "Ipv6");
}
inline const auto kWorlds = testing::Combine(testing::Values(Carrier::memory, Carrier::impaired, Carrier::kernel),
                                             testing::Values(Family::ipv4, Family::ipv6));

}  // namespace fedge::tcp
