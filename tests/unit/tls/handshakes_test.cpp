// What is negotiated, with whom, and what resumes.
#include <gmock/gmock.h>

#include "tests/unit/tls/environment.h"

namespace fedge::tls {
namespace {

using test::kTestTime;
using test::openssl_context;
using test::OpenSslPeer;
using testing::ElementsAre;
using testing::HasSubstr;

class TlsHandshakes : public TlsOver {
  protected:
    // The first session of OpenSSL that comes with a ticket.
    static int keep(SSL* ssl, SSL_SESSION* session) {
        auto* kept = static_cast<SSL_SESSION**>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
        if (*kept) SSL_SESSION_free(*kept);
        *kept = session;
        return 1;
    }
    SslContextPointer keeping(SSL_SESSION*& kept) {
        SslContextPointer context = openssl_context(false);
        SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_app_data(context.get(), &kept);
        SSL_CTX_sess_set_new_cb(context.get(), keep);
        return context;
    }
    // A session with a ticket of the server.
    SSL_SESSION* session_of(SSL_CTX* context, SSL_SESSION*& kept, uint16_t to = 0) {
        OpenSslPeer& one = peer(context, to);
        EXPECT_TRUE(until([&] { return one.established && kept; }));
        SSL_SESSION* session = std::exchange(kept, nullptr);
        one.stream->abort();
        one.stream = nullptr;
        return session;
    }
    // Whether the server takes it.
    bool resumes(SSL_CTX* context, SSL_SESSION* session, uint16_t to = 0) {
        size_t before = users.all.size();
        SSL_SESSION* copy = SSL_SESSION_dup(session);  // OpenSSL uses each but once
        OpenSslPeer& one = peer(context, to, [&](SSL* ssl) { SSL_set_session(ssl, copy); });
        SSL_SESSION_free(copy);
        EXPECT_TRUE(settled(one));
        EXPECT_TRUE(one.established);
        EXPECT_TRUE(until([&] { return users.all.size() > before; }));
        bool reused = SSL_session_reused(one.ssl.get());
        EXPECT_EQ(users.all.back().session->negotiated().resumed, reused);
        return reused;
    }
};

TEST_P(TlsHandshakes, OurClientAndOurServerTellWhatTheyAgreedOn) {
    server.server_options.alpn = {"stun.turn", "stun.nat-discovery"};
    client.client_options.alpn = {"h2", "stun.turn"};
    User& user = connect(listen(users));
    ASSERT_TRUE(user.open);
    ASSERT_TRUE(until([&] { return users.all.size() == 1; }));
    for (const SessionInfo* info : {&user.session->negotiated(), &users.all.front().session->negotiated()}) {
        EXPECT_EQ(info->version, "TLS 1.3");
        EXPECT_EQ(info->cipher, "TLS_AES_128_GCM_SHA256");
        EXPECT_EQ(info->group, "x25519");
        EXPECT_EQ(info->sni, "server.example");
        EXPECT_EQ(info->alpn, "stun.turn");
        EXPECT_FALSE(info->resumed);
        EXPECT_EQ(info->error, "");
    }
    EXPECT_EQ(users.all.front().session->negotiated().certificate, "server");
    EXPECT_EQ(user.session->negotiated().certificate, "") << "nobody asked for it";
    EXPECT_THAT(user.session->negotiated().peer_names,
                ElementsAre(PeerName{NameKind::dns, "server.example"}, PeerName{NameKind::dns, "*.wild.example"}));
    EXPECT_EQ(count(Counter::tls_accepted), 1u);
    EXPECT_EQ(client.count(Counter::tls_connected), 1u);
}

TEST_P(TlsHandshakes, BothSidesShowCertificatesWhenTheListenerDemandsIt) {
    server.server_options.peer = PeerMode::required;
    User& user = connect(listen(users));
    ASSERT_TRUE(until([&] { return users.all.size() == 1; }));
    EXPECT_THAT(users.all.front().session->negotiated().peer_names,
                ElementsAre(PeerName{NameKind::dns, "client.example"}));
    EXPECT_EQ(user.session->negotiated().certificate, "client");
}

TEST_P(TlsHandshakes, VersionsAndParametersThatWeDoNotAllowAreRefusedInWords) {
    struct Case {
        const char* what;
        std::function<void(SSL*)> prepare;
        int alert;
        const char* words;
    };
    const Case cases[] = {
        {"TLS 1.1 at most", [](SSL* s) { SSL_set_max_proto_version(s, TLS1_1_VERSION); }, SSL_AD_PROTOCOL_VERSION,
         "it offered at most TLS 1.1, and we speak TLS 1.2 and 1.3"},
        {"no forward secrecy",
         [](SSL* s) {
             SSL_set_max_proto_version(s, TLS1_2_VERSION);
             SSL_set_cipher_list(s, "AES128-GCM-SHA256");
         },
         SSL_AD_HANDSHAKE_FAILURE, "it offered no cipher that we allow"},
        {"CBC",
         [](SSL* s) {
             SSL_set_max_proto_version(s, TLS1_2_VERSION);
             SSL_set_cipher_list(s, "ECDHE-ECDSA-AES128-SHA");
         },
         SSL_AD_HANDSHAKE_FAILURE, "it offered no cipher that we allow"},
        {"P-521", [](SSL* s) { SSL_set1_groups_list(s, "P-521"); }, SSL_AD_HANDSHAKE_FAILURE,
         "it offered none of our groups: X25519, P-256, P-384"},
        {"RSA signatures alone", [](SSL* s) { SSL_set1_sigalgs_list(s, "rsa_pss_rsae_sha256"); },
         SSL_AD_HANDSHAKE_FAILURE, "it accepts no signature that our certificates can make"},
    };
    SslContextPointer context = openssl_context(false);
    for (const Case& one : cases) {
        OpenSslPeer& bad = peer(context.get(), 0, one.prepare);
        ASSERT_TRUE(until([&] { return bad.failed; })) << one.what;
        EXPECT_EQ(bad.alert, one.alert) << one.what;
        EXPECT_THAT(last_error(), HasSubstr(one.words)) << one.what;
    }
    EXPECT_EQ(count(Counter::tls_handshake_failed), std::size(cases));
    EXPECT_TRUE(users.all.empty());
}

TEST_P(TlsHandshakes, Tls12IsSpokenUnlessTheSettingsForbidIt) {
    SslContextPointer context = openssl_context(false);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    OpenSslPeer& good = peer(context.get());
    ASSERT_TRUE(until([&] { return good.established && users.all.size() == 1; }));
    EXPECT_EQ(users.all.front().session->negotiated().version, "TLS 1.2");
    EXPECT_EQ(users.all.front().session->negotiated().cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    good.write("hello");
    ASSERT_TRUE(until([&] { return users.all.front().received == "hello"; }));

    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.min_version = contract::TlsVersion::tls_1_3;
    server.adopt(settings);
    OpenSslPeer& bad = peer(context.get());
    ASSERT_TRUE(until([&] { return bad.failed; }));
    EXPECT_THAT(last_error(), HasSubstr("it offered at most TLS 1.2, and we speak TLS 1.3 only"));
}

TEST_P(TlsHandshakes, TheCertificateIsChosenBySniAndByWhatTheClientCanVerify) {
    test::TestCertificate other = people.authority.issue({.common_name = "other", .names = {"DNS:other.example"}});
    test::TestCertificate exact = people.authority.issue({.common_name = "exact", .names = {"DNS:a.wild.example"}});
    server.adopt(test::tls_settings(
        {{"ecdsa", &people.server}, {"rsa", &people.server_rsa}, {"other", &other}, {"exact", &exact}}));
    struct Case {
        const char* sni;
        const char* signatures;
        const char* certificate;
    };
    const Case cases[] = {
        {"", nullptr, "ecdsa"},
        {"server.example", nullptr, "ecdsa"},
        {"SERVER.example", nullptr, "ecdsa"},
        {"server.example", "rsa_pss_rsae_sha256:ecdsa_secp384r1_sha384", "rsa"},
        {"other.example", nullptr, "other"},
        {"b.wild.example", nullptr, "ecdsa"},
        {"a.wild.example", nullptr, "exact"},
        {"a.b.wild.example", nullptr, "ecdsa"},  // the wildcard does not fit: the first
        {"unknown.example", nullptr, "ecdsa"},
    };
    SslContextPointer context = openssl_context(false);
    for (const Case& one : cases) {
        size_t before = users.all.size();
        OpenSslPeer& client_peer = peer(context.get(), 0, [&](SSL* ssl) {
            if (*one.sni) SSL_set_tlsext_host_name(ssl, one.sni);
            if (one.signatures) SSL_set1_sigalgs_list(ssl, one.signatures);
        });
        ASSERT_TRUE(until([&] { return client_peer.established && users.all.size() > before; })) << one.sni;
        EXPECT_EQ(users.all.back().session->negotiated().certificate, one.certificate) << one.sni;
    }
}

TEST_P(TlsHandshakes, ACertificateIsReplacedWithoutDroppingAConnection) {
    User& user = connect();
    ASSERT_TRUE(until([&] { return users.all.size() == 1; }));
    User& old = users.all.front();
    server.adopt(test::tls_settings({{"renewed", &people.server_rsa}}));
    client.adopt(test::tls_settings({{"client", &people.client}}));
    user.session->write(bytes_of("still"));
    old.session->write(bytes_of("here"));
    ASSERT_TRUE(until([&] { return old.received == "still" && user.received == "here"; }));
    connect();
    ASSERT_TRUE(until([&] { return users.all.size() == 2; }));
    EXPECT_EQ(users.all.back().session->negotiated().certificate, "renewed");
    EXPECT_EQ(old.session->negotiated().certificate, "server");
}

TEST_P(TlsHandshakes, ACertificateIsReplacedInTheMiddleOfAHandshake) {
    SslContextPointer context = openssl_context(false);
    OpenSslPeer& slow = peer(context.get());
    std::string held;
    ASSERT_TRUE(until([&] { return server.engine().handshakes() == 1; }));
    slow.send = [&](Bytes bytes) { held += text_of(bytes); };
    ASSERT_TRUE(until([&] { return !held.empty(); }));
    server.adopt(test::tls_settings({{"renewed", &people.server_rsa}}));
    slow.stream->write(bytes_of(held));
    slow.send = {};
    ASSERT_TRUE(until([&] { return users.all.size() == 1; }));
    EXPECT_EQ(users.all.front().session->negotiated().certificate, "server");
}

TEST_P(TlsHandshakes, TicketsResumeOnEveryCoreAndUnderOlderKeys) {
    for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
        server.adopt(test::tls_settings({{"server", &people.server}}));
        SSL_SESSION* kept = nullptr;
        SslContextPointer context = keeping(kept);
        SSL_CTX_set_max_proto_version(context.get(), version);
        SSL_SESSION* session = session_of(context.get(), kept);
        // Another core: a library and context of its own from the same settings.
        test::TlsSide other(world.plain().server(), 99, world.now());
        other.adopt(test::tls_settings({{"server", &people.server}}));
        server.engine().adopt(test::tls_context(other.library(), test::tls_settings({{"server", &people.server}})));
        EXPECT_TRUE(resumes(context.get(), session));
        // Newer keys come first; the old one still opens.
        contract::TlsT settings = test::tls_settings({{"server", &people.server}});
        settings.ticket_keys = test::ticket_keys({2, 1});
        server.adopt(settings);
        EXPECT_TRUE(resumes(context.get(), session));
        // It is gone.
        settings.ticket_keys = test::ticket_keys({3, 2});
        server.adopt(settings);
        uint64_t before = count(Counter::tls_tickets_refused);
        EXPECT_FALSE(resumes(context.get(), session));
        EXPECT_EQ(count(Counter::tls_tickets_refused), before + 1);
        SSL_SESSION_free(session);
        if (kept) SSL_SESSION_free(kept);
    }
}

TEST_P(TlsHandshakes, NoKeysMeansNoTickets) {
    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.ticket_keys.clear();
    server.adopt(settings);
    for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
        SSL_SESSION* kept = nullptr;
        SslContextPointer context = keeping(kept);
        SSL_CTX_set_max_proto_version(context.get(), version);
        OpenSslPeer& one = peer(context.get());
        ASSERT_TRUE(until([&] { return one.established; }));
        pass(50ms);
        EXPECT_FALSE(kept && SSL_SESSION_has_ticket(kept));
        EXPECT_FALSE(kept && SSL_SESSION_is_resumable(kept));
        if (kept) SSL_SESSION_free(kept);
    }
}

TEST_P(TlsHandshakes, StaplesTheResponseOfItsCertificate) {
    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.certificates[0]->ocsp = {0x30, 0x03, 0x0a, 0x01, 0x06};  // OCSPResponse: unauthorized
    server.adopt(settings);
    SslContextPointer context = openssl_context(false);
    for (bool asks : {true, false}) {
        OpenSslPeer& one = peer(context.get(), 0, [&](SSL* ssl) {
            if (asks) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
        });
        ASSERT_TRUE(until([&] { return one.established; }));
        const uint8_t* response = nullptr;
        long size = SSL_get_tlsext_status_ocsp_resp(one.ssl.get(), &response);
        EXPECT_EQ(size, asks ? 5 : -1);
    }
}

TEST_P(TlsHandshakes, OurClientRefusesWhatDoesNotProveTheName) {
    client.client_options.expected = {"partner.example"};
    User& user = connect();
    ASSERT_TRUE(user.closed);
    EXPECT_EQ(*user.closed, tcp::CloseReason::broken);
    ASSERT_FALSE(client.endings.empty());
    EXPECT_EQ(client.endings.back().info.error,
              "TLS handshake with server server.example failed: its certificate was refused: it proves "
              "dns:server.example, dns:*.wild.example, and not partner.example");
    EXPECT_EQ(client.count(Counter::tls_peer_refused), 1u);
    ASSERT_TRUE(until([&] { return !server.endings.empty(); }));
    EXPECT_THAT(last_error(), HasSubstr("the peer sent the alert 'bad certificate' (42)"));
    EXPECT_EQ(count(Counter::tls_alerts_received), 1u);
}

// What a partner's certificate must be for holds beside what all must be for.
TEST_P(TlsHandshakes, OurClientDemandsThePurposeOfThePartner) {
    for (auto [purpose, words] :
         {std::pair{Purpose::server_or_client, ""}, std::pair{Purpose::client_strict, ""},
          std::pair{Purpose::sip_domain,
                    "its certificate was refused: the extended key usage of 'CN=server.example' is "
                    "not sipDomain (RFC 5924), which our purpose setting demands"}}) {
        client.client_options.purpose = purpose;
        User& user = connect();
        EXPECT_EQ(user.open, *words == 0) << words;
        if (*words) EXPECT_THAT(client.endings.back().info.error, HasSubstr(words));
    }
}

// Records of one segment at first and after a pause, so that the peer can use what has come; then large ones.
TEST_P(TlsHandshakes, RecordsGrowWithTheBurst) {
    static std::vector<size_t> sizes;
    SslContextPointer context = openssl_context(false);
    SSL_CTX_set_msg_callback(context.get(), [](int sent, int, int type, const void* bytes, size_t, SSL*, void*) {
        if (sent == 0 && type == SSL3_RT_HEADER) sizes.push_back(load_be16(static_cast<const uint8_t*>(bytes) + 3));
    });
    OpenSslPeer& one = peer(context.get());
    ASSERT_TRUE(until([&] { return one.established && users.all.size() == 1; }));
    pass(20ms);
    Session& session = *users.all.front().session;
    size_t segment = session.info().mss >= 1024 && session.info().mss <= 16384 ? session.info().mss : 1400;
    auto send = [&](size_t size) {
        sizes.clear();
        size_t before = one.received.size();
        std::string text(size, 'x');
        size_t written = 0;
        EXPECT_TRUE(until([&] {
            written += session.write(bytes_of(std::string_view(text).substr(written)));
            return one.received.size() == before + size;
        }));
    };
    send(300'000);
    EXPECT_LE(*std::max_element(sizes.begin(), sizes.begin() + 3), segment);
    EXPECT_GT(*std::max_element(sizes.begin(), sizes.end()), 8000u);
    pass(1100ms);
    send(5000);
    EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), segment);
}

// The stream below may be gone while what it brought is still unread.
TEST_P(TlsHandshakes, WhatWasLookedAtOutlivesTheStreamBelow) {
    for (bool closes : {true, false}) {
        struct Looker final : tcp::Acceptor, tcp::StreamHandler {
            tcp::Stream* stream = nullptr;
            size_t seen = 0;
            std::optional<tcp::CloseReason> closed;
            tcp::StreamHandler* on_accept(tcp::Stream& accepted) override {
                stream = &accepted;
                return this;
            }
            void on_readable() override {
                uint8_t bytes[100];
                seen = stream->look(bytes);
            }
            void on_writable() override {}
            void on_closed(tcp::CloseReason reason) override { closed = reason; }
        } looker;
        SslContextPointer context = openssl_context(false);
        OpenSslPeer& one = peer(context.get(), listen(looker));
        ASSERT_TRUE(until([&] { return one.established; }));
        one.write("last");
        one.write(" words");
        SSL_shutdown(one.ssl.get());
        one.flush();
        one.stream->shutdown();
        ASSERT_TRUE(until([&] { return looker.seen == 10; }));
        looker.stream->shutdown();
        ASSERT_TRUE(until([&] { return one.closed.has_value(); }));
        ASSERT_TRUE(until([&] { return world.list_server().empty(); }));
        EXPECT_FALSE(looker.closed) << "there is something to read";
        uint8_t bytes[100];
        EXPECT_EQ(looker.stream->read(bytes), 10u);
        EXPECT_TRUE(looker.stream->at_end());
        if (closes) {
            looker.stream->close();
            pass(20ms);
            EXPECT_FALSE(looker.closed);
        } else {
            ASSERT_TRUE(until([&] { return looker.closed.has_value(); }));
            EXPECT_EQ(looker.closed, tcp::CloseReason::finished);
        }
    }
}

// A server that is OpenSSL alone, which verifies us as we verify it.
TEST_P(TlsHandshakes, OurClientAndAServerOfOpenSslProveThemselvesToEachOther) {
    struct Serving final : tcp::Acceptor {
        SSL_CTX* context = nullptr;
        std::list<OpenSslPeer> all;
        tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
            all.emplace_back(context, true).begin(&stream);
            return &all.back();
        }
    } serving;
    SslContextPointer context = openssl_context(true, people.authority.pem(), &people.server);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    serving.context = context.get();
    uint16_t to = 25998;
    ASSERT_TRUE(world.plain().server().listen(remote(to), {}, serving));
    for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
        SSL_CTX_set_max_proto_version(context.get(), version);
        User& user = connect(to);
        ASSERT_TRUE(user.open) << client.endings.back().info.error;
        OpenSslPeer& theirs = serving.all.back();
        ASSERT_TRUE(until([&] { return theirs.established; }));
        EXPECT_EQ(SSL_get_verify_result(theirs.ssl.get()), X509_V_OK);
        EXPECT_EQ(subject_of(SSL_get0_peer_certificate(theirs.ssl.get())), "CN=client.example");
        EXPECT_STREQ(SSL_get_servername(theirs.ssl.get(), TLSEXT_NAMETYPE_host_name), "server.example");
        EXPECT_EQ(user.session->negotiated().certificate, "client");
        EXPECT_EQ(user.session->negotiated().version, version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
        std::string text(100'000, 'x');
        size_t written = 0;
        ASSERT_TRUE(until([&] {
            written += user.session->write(bytes_of(std::string_view(text).substr(written)));
            return theirs.received.size() == text.size();
        }));
        theirs.write("answer");
        ASSERT_TRUE(until([&] { return user.received == "answer"; }));
        user.session->shutdown();
        ASSERT_TRUE(until([&] { return theirs.ended; }));
        theirs.stream->abort();
        theirs.stream = nullptr;
        ASSERT_TRUE(until([&] { return user.closed.has_value(); }));
    }
    world.plain().server().unlisten(remote(to));
}

TEST_P(TlsHandshakes, OurClientTellsWhatAServerDidWrong) {
    struct Case {
        const char* answer;
        const char* words;
    };
    const Case cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak TLS on this port"},
        {"", "the connection ended in the middle of it"},
    };
    for (const Case& one : cases) {
        struct Talker final : tcp::Acceptor, tcp::StreamHandler {
            const char* answer;
            tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
                at = &stream;
                return this;
            }
            void on_readable() override {
                while (!at->peek().empty()) at->consume(at->peek().size());
                at->write(bytes_of(answer));
                at->close();
            }
            void on_writable() override {}
            void on_closed(tcp::CloseReason) override {}
            tcp::Stream* at = nullptr;
        } talker;
        talker.answer = one.answer;
        uint16_t to = 25999;
        ASSERT_TRUE(world.plain().server().listen(remote(to), {}, talker));
        User& user = connect(to);
        EXPECT_TRUE(user.closed);
        EXPECT_THAT(client.endings.back().info.error,
                    testing::AnyOf(HasSubstr(one.words), HasSubstr("ended the connection in the middle")));
        world.plain().server().unlisten(remote(to));
    }
}

TEST_P(TlsHandshakes, HandshakesBeyondTheBudgetOfATurnWait) {
    contract::TlsT settings = test::tls_settings({{"server", &people.server}});
    settings.handshakes_per_turn = 1;
    server.adopt(settings);
    SslContextPointer context = openssl_context(false);
    for (int i = 0; i < 20; i++) peer(context.get());
    ASSERT_TRUE(until([&] { return users.all.size() == 20; }));
    EXPECT_GE(count(Counter::tls_handshake_steps), 20u);
    EXPECT_GT(count(Counter::tls_handshakes_deferred), 0u);
}

INSTANTIATE_TEST_SUITE_P(Over, TlsHandshakes, testing::Values(test::Carrier::memory, test::Carrier::kernel),
                         carrier_label);

}  // namespace
}  // namespace fedge::tls
