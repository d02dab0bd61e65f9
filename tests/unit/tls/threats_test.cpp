// The rows "TLS" of the threat list, each by name, over our TCP and over the kernel's.
#include <gmock/gmock.h>

#include "dataplane/tls/client_hello.h"
#include "tests/unit/tls/environment.h"

namespace fedge::tls {
namespace {

using test::openssl_context;
using test::OpenSslPeer;
using testing::HasSubstr;

class TlsThreats : public TlsOver {
  protected:
    // Bytes alone: nothing of what OpenSSL would say is sent.
    OpenSslPeer& silent() {
        OpenSslPeer& one = peer(context.get());
        one.send = [](Bytes) {};
        EXPECT_TRUE(until([&] { return server.engine().handshakes() > 0; }));
        return one;
    }
    // A ClientHello of OpenSSL.
    std::string hello() {
        SslPointer ssl(SSL_new(context.get()));
        BIO* out = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
        SSL_set_connect_state(ssl.get());
        SSL_do_handshake(ssl.get());
        char* bytes = nullptr;
        long size = BIO_get_mem_data(out, &bytes);
        return {bytes, static_cast<size_t>(size)};
    }
    static std::string record(std::string_view content, char minor_version = 1) {
        std::string out{22, 3, minor_version, static_cast<char>(content.size() >> 8),
                        static_cast<char>(content.size())};
        return out.append(content);
    }
    void send(OpenSslPeer& to, std::string_view bytes) {
        while (!bytes.empty() && to.stream) {
            bytes.remove_prefix(to.stream->write(bytes_of(bytes)));
            world.turn();
        }
    }
    bool dropped(const OpenSslPeer& one, Duration limit = 5s) {
        return until([&] { return one.ended || one.closed; }, limit);
    }

    SslContextPointer context = openssl_context(false);
};

TEST_P(TlsThreats, RenegotiationFlood) {
    SslContextPointer old = openssl_context(false);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
    OpenSslPeer& bad = peer(old.get());
    ASSERT_TRUE(until([&] { return bad.established && users.all.size() == 1; }));
    SSL_renegotiate(bad.ssl.get());
    SSL_do_handshake(bad.ssl.get());
    bad.flush();
    ASSERT_TRUE(until([&] { return users.all.front().closed.has_value(); }));
    EXPECT_EQ(users.all.front().closed, tcp::CloseReason::broken);
    EXPECT_THAT(last_error(), HasSubstr("began a renegotiation"));
    EXPECT_EQ(count(Counter::tls_records_limit), 1u);
    EXPECT_TRUE(dropped(bad));
}

TEST_P(TlsThreats, KeyUpdateFlood) {
    OpenSslPeer& bad = peer(context.get());
    ASSERT_TRUE(until([&] { return bad.established && users.all.size() == 1; }));
    uint64_t sent = 0;
    for (; sent < 200 && bad.stream && !users.all.front().closed; sent++) {
        SSL_key_update(bad.ssl.get(), SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(bad.ssl.get());
        bad.flush();
        world.turn();
    }
    ASSERT_TRUE(until([&] { return users.all.front().closed.has_value(); }));
    EXPECT_EQ(count(Counter::tls_records_limit), 1u);
    EXPECT_THAT(last_error(), HasSubstr("more than 32 key updates or empty records in a minute"));
}

TEST_P(TlsThreats, SomeKeyUpdatesAreLegitimate) {
    OpenSslPeer& good = peer(context.get());
    ASSERT_TRUE(until([&] { return good.established && users.all.size() == 1; }));
    for (int i = 0; i < 20; i++) {
        SSL_key_update(good.ssl.get(), SSL_KEY_UPDATE_REQUESTED);
        good.write("x");
        world.turn();
    }
    ASSERT_TRUE(until([&] { return users.all.front().received.size() == 20; }));
    users.all.front().session->write(bytes_of("under new keys"));
    ASSERT_TRUE(until([&] { return good.received == "under new keys"; }));
}

TEST_P(TlsThreats, EmptyRecordFlood) {
    SslContextPointer old = openssl_context(false);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
    OpenSslPeer& bad = peer(old.get());
    ASSERT_TRUE(until([&] { return bad.established && users.all.size() == 1; }));
    // OpenSSL does not write empty records; warning alerts are as good: records without data.
    for (int i = 0; i < 100 && bad.stream; i++) {
        SSL_renegotiate_abbreviated(bad.ssl.get());
        SSL_do_handshake(bad.ssl.get());
        bad.flush();
        world.turn();
    }
    ASSERT_TRUE(until([&] { return users.all.front().closed.has_value(); }));
    EXPECT_EQ(count(Counter::tls_records_limit), 1u);
}

TEST_P(TlsThreats, EarlyDataIsNeverAccepted) {
    // A ticket whose client believes that early data is allowed: ours never say so.
    OpenSslPeer& one = peer(context.get());
    ASSERT_TRUE(until([&] { return one.established; }));
    pass(50ms);
    SSL_SESSION* session = SSL_get1_session(one.ssl.get());
    EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0u);
    SSL_SESSION_set_max_early_data(session, 1000);
    OpenSslPeer& replay = peers.emplace_back(context.get());
    SSL_set_session(replay.ssl.get(), session);
    size_t written = 0;
    SSL_write_early_data(replay.ssl.get(), "INVITE", 6, &written);
    size_t before = users.all.size();
    replay.begin(world.plain().client().connect(local(), remote(), {}, replay));
    ASSERT_TRUE(settled(replay));
    pass(100ms);
    EXPECT_NE(SSL_get_early_data_status(replay.ssl.get()), SSL_EARLY_DATA_ACCEPTED);
    if (users.all.size() > before) EXPECT_EQ(users.all.back().received, "");
    SSL_SESSION_free(session);
}

TEST_P(TlsThreats, ClientHelloOneByteToARecord) {
    std::string message = hello().substr(kRecordHeader);
    OpenSslPeer& bad = silent();
    std::string cut;
    for (char c : message) cut += record({&c, 1});
    send(bad, cut);
    ASSERT_TRUE(dropped(bad));
    EXPECT_EQ(count(Counter::tls_hello_refused), 1u);
    EXPECT_THAT(last_error(), HasSubstr("more than 64 records"));
    EXPECT_EQ(count(Counter::tls_handshake_steps), 0u) << "OpenSSL never saw it";
}

TEST_P(TlsThreats, ClientHelloInSomeRecordsAndBytesIsServed) {
    OpenSslPeer& good = peer(context.get());
    good.send = [&](Bytes bytes) {
        std::string all(text_of(bytes));
        good.send = {};
        std::string message = all.substr(kRecordHeader);
        std::string cut;
        for (size_t i = 0; i < message.size(); i += 20) cut += record(message.substr(i, 20));
        for (char c : cut) {  // one byte to a segment
            good.stream->write(bytes_of(std::string_view(&c, 1)));
            world.turn();
        }
    };
    ASSERT_TRUE(until([&] { return good.established; }));
}

TEST_P(TlsThreats, ClientHelloOf64KiB) {
    OpenSslPeer& bad = silent();
    std::string message{1, 1, 0, 0};  // 65536 bytes
    message.append(65536, 'a');
    std::string records;
    for (size_t at = 0; at < message.size(); at += 16000) records += record(message.substr(at, 16000));
    send(bad, records);
    ASSERT_TRUE(dropped(bad));
    EXPECT_EQ(count(Counter::tls_hello_refused), 1u);
    EXPECT_THAT(last_error(), HasSubstr("larger than 16 KiB"));
}

TEST_P(TlsThreats, OtherProtocols) {
    struct Case {
        std::string bytes;
        const char* words;
    };
    const Case cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "does not begin with a TLS handshake"},
        {"INVITE sip:a@b.example SIP/2.0\r\n", "does not begin with a TLS handshake"},
        {"<stream:stream xmlns='jabber:server'>", "does not begin with a TLS handshake"},
        {std::string("\x80\x2e\x01\x03\x01", 5), "does not begin with a TLS handshake"},  // SSL 2.0
        {std::string("\x16\x02\x00\x00\x05", 5), "not of TLS"},
        {record(std::string("\x02\x00\x00\x10", 4)), "not a ClientHello"},
        {record(""), "an empty record"},
        {record(std::string("\x01\x00\x00\x04oops", 8)), "malformed"},
    };
    for (const Case& one : cases) {
        OpenSslPeer& bad = silent();
        send(bad, one.bytes);
        ASSERT_TRUE(dropped(bad)) << one.words;
        EXPECT_THAT(last_error(), HasSubstr(one.words));
    }
    EXPECT_EQ(count(Counter::tls_hello_refused), std::size(cases));
    EXPECT_TRUE(users.all.empty());
}

TEST_P(TlsThreats, HandshakeNeverFinished) {
    if (GetParam() == test::Carrier::kernel) {  // whose time is the real one
        contract::TlsT settings = test::tls_settings({{"server", &people.server}});
        settings.handshake_timeout_s = 1;
        server.adopt(settings);
    }
    Duration limit = GetParam() == test::Carrier::kernel ? 1s : 60s;
    std::string all = hello();
    struct Case {
        const char* what;
        std::string bytes;
    };
    for (const Case& one : {Case{"says nothing", ""}, Case{"half of a ClientHello", all.substr(0, 100)},
                            Case{"a ClientHello alone", all}}) {
        uint64_t before = count(Counter::tls_handshake_timeout);
        Instant begun = world.now();
        OpenSslPeer& slow = silent();
        send(slow, one.bytes);
        ASSERT_TRUE(until([&] { return slow.closed.has_value(); }, limit + 2s)) << one.what;
        EXPECT_GE(world.now() - begun, limit) << one.what;
        EXPECT_EQ(count(Counter::tls_handshake_timeout), before + 1);
        EXPECT_EQ(server.endings.back().reason, tcp::CloseReason::timed_out);
        EXPECT_THAT(last_error(), HasSubstr("not finished within"));
        EXPECT_EQ(server.engine().handshakes(), 0u);
    }
}

TEST_P(TlsThreats, ManyHalfOpenHandshakesOfOneSource) {
    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.handshakes_per_prefix = 8;
    server.adopt(settings);
    for (int i = 0; i < 30; i++) peer(context.get()).send = [](Bytes) {};
    ASSERT_TRUE(until([&] { return count(Counter::tls_prefix_limit) == 22; }));
    EXPECT_EQ(server.engine().handshakes(), 8u);
    EXPECT_EQ(server.refused, 22u);
    // A limit of handshakes, not of connections: when they end others can begin.
    for (OpenSslPeer& one : peers)
        if (one.stream) {
            one.stream->abort();
            one.stream = nullptr;
        }
    ASSERT_TRUE(until([&] { return server.engine().handshakes() == 0; }));
    OpenSslPeer& good = peer(context.get());
    EXPECT_TRUE(until([&] { return good.established; }));
}

TEST_P(TlsThreats, ManyHalfOpenHandshakesOfAll) {
    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.handshakes_per_core = 16;
    server.adopt(settings);
    User& before = connect();
    for (int i = 0; i < 40; i++) peer(context.get()).send = [](Bytes) {};
    ASSERT_TRUE(until([&] { return count(Counter::tls_handshake_limit) == 24; }));
    EXPECT_EQ(server.engine().handshakes(), 16u);
    // Those who are in do not notice.
    before.session->write(bytes_of("still here"));
    ASSERT_TRUE(until([&] { return users.all.front().received == "still here"; }));
}

TEST_P(TlsThreats, TicketOfAnotherListener) {
    server.server_options.purpose = "turn";
    uint16_t turn = listen(users);
    server.server_options.purpose = "sip";
    uint16_t sip = listen(users);
    server.server_options.peer = PeerMode::required;
    uint16_t mutual = listen(users);
    for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
        SSL_CTX_set_max_proto_version(context.get(), version);
        OpenSslPeer& first = peer(context.get(), turn);
        ASSERT_TRUE(until([&] { return first.established; }));
        first.stream->write({});
        pass(50ms);
        SSL_SESSION* session = SSL_get1_session(first.ssl.get());
        ASSERT_TRUE(SSL_SESSION_is_resumable(session));
        auto with = [&](SSL* ssl) { SSL_set_session(ssl, session); };
        OpenSslPeer& same = peer(context.get(), turn, with);
        ASSERT_TRUE(until([&] { return same.established; }));
        EXPECT_TRUE(SSL_session_reused(same.ssl.get()));
        OpenSslPeer& other = peer(context.get(), sip, with);
        ASSERT_TRUE(settled(other));
        EXPECT_FALSE(SSL_session_reused(other.ssl.get()));
        // Nor does it stand in for a certificate.
        ASSERT_TRUE(until([&] { return server.engine().handshakes() == 0; }));
        size_t before = users.all.size();
        OpenSslPeer& uncertified = peer(context.get(), mutual, with);
        ASSERT_TRUE(dropped(uncertified));
        EXPECT_EQ(users.all.size(), before);
        EXPECT_THAT(last_error(), HasSubstr("it showed no certificate, which is demanded here"));
        SSL_SESSION_free(session);
    }
}

TEST_P(TlsThreats, TicketOutlivesTrust) {
    server.server_options.peer = PeerMode::required;
    uint16_t mutual = listen(users);
    SslContextPointer own = openssl_context(false, {}, &people.client);
    OpenSslPeer& first = peer(own.get(), mutual);
    ASSERT_TRUE(until([&] { return first.established && users.all.size() == 1; }));
    pass(50ms);
    SSL_SESSION* session = SSL_get1_session(first.ssl.get());
    auto with = [&](SSL* ssl) { SSL_set_session(ssl, session); };
    OpenSslPeer& again = peer(own.get(), mutual, with);
    ASSERT_TRUE(until([&] { return users.all.size() == 2; }));
    EXPECT_TRUE(SSL_session_reused(again.ssl.get()));
    EXPECT_EQ(users.all.back().session->negotiated().peer_names, (PeerNames{{NameKind::dns, "client.example"}}));
    // Revoked since: the ticket is worth nothing.
    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.crls = people.authority.crl({&people.client});
    server.adopt(settings);
    OpenSslPeer& revoked = peer(own.get(), mutual, with);
    ASSERT_TRUE(dropped(revoked));
    EXPECT_THAT(last_error(), HasSubstr("'CN=client.example' was revoked by 'CN=Test Authority'"));
    // Expired since.
    server.adopt(test::tls_settings({{"server", &people.server}}));
    world.unix_seconds += 2 * 365 * 86400;
    OpenSslPeer& expired = peer(own.get(), mutual, with);
    ASSERT_TRUE(dropped(expired));
    EXPECT_THAT(last_error(), HasSubstr("expired"));
    EXPECT_EQ(users.all.size(), 2u);
    SSL_SESSION_free(session);
}

TEST_P(TlsThreats, SniOfAnUnknownDomain) {
    OpenSslPeer& one = peer(context.get(), 0, [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "nobody.example"); });
    ASSERT_TRUE(until([&] { return one.established && users.all.size() == 1; }));
    EXPECT_EQ(users.all.front().session->negotiated().sni, "nobody.example");
    EXPECT_EQ(users.all.front().session->negotiated().certificate, "server") << "the first, as browsers expect";
}

TEST_P(TlsThreats, AlpnOfAnotherProtocol) {
    server.server_options.alpn = {"xmpp-server"};
    uint16_t to = listen(users);
    const uint8_t h2[] = {2, 'h', '2'};
    OpenSslPeer& bad = peer(context.get(), to, [&](SSL* ssl) { SSL_set_alpn_protos(ssl, h2, sizeof(h2)); });
    ASSERT_TRUE(until([&] { return bad.failed; }));
    EXPECT_EQ(bad.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
    EXPECT_THAT(last_error(), HasSubstr("it offered the protocols h2 (ALPN), and here is xmpp-server"));
    OpenSslPeer& plain = peer(context.get(), to);
    EXPECT_TRUE(until([&] { return plain.established; })) << "who does not ask is not refused";
}

TEST_P(TlsThreats, TruncationIsNoEnd) {
    OpenSslPeer& one = peer(context.get());
    ASSERT_TRUE(until([&] { return one.established && users.all.size() == 1; }));
    User& user = users.all.front();
    one.write("half a mess");
    one.stream->shutdown();
    ASSERT_TRUE(until([&] { return user.closed.has_value(); }));
    EXPECT_EQ(user.received, "half a mess");
    EXPECT_FALSE(user.ended);
    EXPECT_EQ(user.closed, tcp::CloseReason::broken);
    EXPECT_EQ(count(Counter::tls_broken), 1u);
    EXPECT_THAT(last_error(), HasSubstr("without a close notification"));
}

TEST_P(TlsThreats, DamagedRecord) {
    OpenSslPeer& one = peer(context.get());
    ASSERT_TRUE(until([&] { return one.established && users.all.size() == 1; }));
    one.send = [&](Bytes bytes) {
        std::string all(text_of(bytes));
        all.back() = static_cast<char>(all.back() ^ 1);
        one.stream->write(bytes_of(all));
    };
    one.write("text");
    ASSERT_TRUE(until([&] { return users.all.front().closed.has_value(); }));
    EXPECT_EQ(users.all.front().received, "");
    EXPECT_EQ(count(Counter::tls_broken), 1u);
    EXPECT_THAT(last_error(), HasSubstr("damaged on the way"));
    one.send = {};
    ASSERT_TRUE(until([&] { return one.alert >= 0 || one.ended || one.closed; }));
}

TEST_P(TlsThreats, HandshakeInVerySmallRecordsAfterTheHello) {
    server.server_options.peer = PeerMode::required;
    uint16_t mutual = listen(users);
    SslContextPointer own = openssl_context(false, {}, &people.client);
    SSL_CTX_set_max_proto_version(own.get(), TLS1_2_VERSION);
    OpenSslPeer& bad = peer(own.get(), mutual);
    int flight = 0;
    bad.send = [&](Bytes bytes) {
        if (flight++ == 0) {
            bad.stream->write(bytes);
            return;
        }
        // The Certificate message, one byte to a record.
        std::string all(text_of(bytes.subspan(kRecordHeader, load_be16(bytes.data() + 3))));
        std::string cut;
        for (char c : all) cut += record({&c, 1}, 3);
        bad.stream->write(bytes_of(cut));
    };
    ASSERT_TRUE(dropped(bad));
    EXPECT_EQ(count(Counter::tls_records_limit), 1u) << last_error();
}

INSTANTIATE_TEST_SUITE_P(Over, TlsThreats, testing::Values(test::Carrier::memory, test::Carrier::kernel),
                         carrier_label);

}  // namespace
}  // namespace fedge::tls
