// What the tests of TLS share: a world per carrier, a user of streams that reads and remembers.
#pragma once

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/openssl_peer.h"
#include "tests/support/tls_world.h"

namespace fedge::tls {

struct User final : tcp::StreamHandler {
    Session* session = nullptr;
    bool open = false;
    bool ended = false;
    std::optional<tcp::CloseReason> closed;
    std::string received;

    void on_open() override { open = true; }
    void on_readable() override {
        for (Bytes bytes; !(bytes = session->peek()).empty(); session->consume(bytes.size()))
            received += text_of(bytes);
        ended = session->at_end();
    }
    void on_writable() override {}
    void on_closed(tcp::CloseReason reason) override {
        closed = reason;
        session = nullptr;
    }
};

struct Users final : tcp::Acceptor {
    std::list<User> all;
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        all.emplace_back();
        all.back().session = static_cast<Session*>(&stream);
        all.back().open = true;
        return &all.back();
    }
};

// A server of ours on a port, and whoever connects. Over our TCP under virtual time, and over the kernel's.
class TlsOver : public testing::TestWithParam<test::Carrier> {
  protected:
    TlsOver() : world(GetParam(), Family::ipv4), server(world.server()), client(world.client()) {}

    void SetUp() override { port = listen(users); }
    void TearDown() override {
        for (test::OpenSslPeer& peer : peers)
            if (peer.stream) peer.stream->abort();
        for (auto* side : {&own, &users.all})
            for (User& user : *side)
                if (user.session && !user.closed) user.session->abort();
        EXPECT_TRUE(until([&] { return world.streams() == 0; })) << world.streams() << " streams are left";
        until([&] { return server.engine().sessions() == 0 && client.engine().sessions() == 0; });
        EXPECT_EQ(server.engine().sessions(), 0u);
        EXPECT_EQ(client.engine().sessions(), 0u);
        EXPECT_EQ(server.engine().handshakes(), 0u);
    }

    bool until(const std::function<bool()>& done, Duration limit = 20s) { return world.until(done, limit); }
    void pass(Duration time) {
        until([] { return false; }, time);
    }
    uint16_t listen(tcp::Acceptor& acceptor) {
        static uint16_t next = 23000;
        for (int tries = 0; tries < 1000; tries++, next++)
            if (server.listen({world.server_address(), next}, {}, acceptor)) return next++;
        return 0;
    }
    Endpoint local() const { return {world.client_address(), 0}; }
    Endpoint remote(uint16_t to = 0) const { return {world.server_address(), to ? to : port}; }

    // A client of ours; returns when it is open or has failed.
    User& connect(uint16_t to = 0) {
        User& user = own.emplace_back();
        user.session = static_cast<Session*>(client.connect(local(), remote(to), {}, user));
        EXPECT_TRUE(user.session);
        EXPECT_TRUE(until([&] { return user.open || user.closed; }));
        return user;
    }
    // A client of OpenSSL alone, or bytes alone when `context` is null.
    test::OpenSslPeer& peer(SSL_CTX* context, uint16_t to = 0, const std::function<void(SSL*)>& prepare = {}) {
        test::OpenSslPeer& one = peers.emplace_back(context);
        if (prepare) prepare(one.ssl.get());
        one.begin(world.plain().client().connect(local(), remote(to), {}, one));
        EXPECT_TRUE(one.stream);
        return one;
    }
    bool settled(const test::OpenSslPeer& one) {
        return until([&] { return one.established || one.failed || one.closed || one.ended; });
    }
    std::string last_error() const { return server.endings.empty() ? "" : server.endings.back().info.error; }
    uint64_t count(Counter counter) const { return server.count(counter); }

    test::TlsWorld world;
    test::TlsSide& server;
    test::TlsSide& client;
    Users users;
    std::list<User> own;
    std::list<test::OpenSslPeer> peers;
    uint16_t port = 0;
    const test::TlsPeople& people = test::TlsPeople::get();
};

inline std::string carrier_label(const testing::TestParamInfo<test::Carrier>& info) {
    return info.param == test::Carrier::kernel ? "Kernel" : "Ours";
}

}  // namespace fedge::tls
