#include "dataplane/tls/client_hello.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/openssl_peer.h"

namespace fedge::tls {
namespace {

std::string real_hello(const std::function<void(SSL*)>& prepare) {
    SslContextPointer context = test::openssl_context(false);
    SslPointer ssl(SSL_new(context.get()));
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl.get());
    prepare(ssl.get());
    SSL_do_handshake(ssl.get());
    char* bytes = nullptr;
    long size = BIO_get_mem_data(out, &bytes);
    return {bytes, static_cast<size_t>(size)};
}

std::string records_of(std::string_view message, size_t each) {
    std::string out;
    for (; !message.empty(); message.remove_prefix(std::min(each, message.size()))) {
        std::string_view part = message.substr(0, each);
        out += {22, 3, 1, static_cast<char>(part.size() >> 8), static_cast<char>(part.size())};
        out += part;
    }
    return out;
}

TEST(ClientHelloPeek, FindsNameAndProtocolsHoweverItIsCut) {
    const uint8_t protocols[] = "\x09stun.turn\x02h2";
    std::string hello = real_hello([&](SSL* ssl) {
        SSL_set_tlsext_host_name(ssl, "Turn.Example");
        SSL_set_alpn_protos(ssl, protocols, sizeof(protocols) - 1);
    });
    for (size_t each : {size_t{16384}, size_t{100}, size_t{8}}) {
        std::string records = records_of(std::string_view(hello).substr(kRecordHeader), each);
        for (size_t have = 0; have < records.size(); have++)
            ASSERT_EQ(scan_hello(bytes_of(std::string_view(records).substr(0, have))).state, HelloState::incomplete)
                << have << " of " << records.size() << ", records of " << each;
        ASSERT_EQ(scan_hello(bytes_of(records)).state, HelloState::complete);
        ClientHello out;
        ASSERT_TRUE(parse_hello(bytes_of(records), out));
        EXPECT_EQ(out.sni, "turn.example");
        EXPECT_EQ(out.alpn, (std::vector<std::string>{"stun.turn", "h2"}));
        EXPECT_EQ(out.highest_version, 0x0304);
    }
}

TEST(ClientHelloPeek, Tls12WithoutExtensionsIsOne) {
    std::string body{3, 3};
    body += std::string(32, 'r') + std::string("\0\0\2\xc0\x2b\1\0", 7);
    std::string message{1, 0, 0, static_cast<char>(body.size())};
    std::string records = records_of(message + body, 1000);
    ASSERT_EQ(scan_hello(bytes_of(records)).state, HelloState::complete);
    ClientHello out;
    ASSERT_TRUE(parse_hello(bytes_of(records), out));
    EXPECT_EQ(out.highest_version, 0x0303);
    EXPECT_EQ(out.sni, "");
}

// One extension in an otherwise good ClientHello; nothing: malformed.
std::optional<ClientHello> with_extensions(const std::string& extensions) {
    std::string body{3, 3};
    body += std::string(32, 'r') + std::string("\0\0\2\xc0\x2b\1\0", 7);
    body += {static_cast<char>(extensions.size() >> 8), static_cast<char>(extensions.size())};
    body += extensions;
    std::string message{1, 0, static_cast<char>(body.size() >> 8), static_cast<char>(body.size())};
    ClientHello out;
    if (!parse_hello(bytes_of(records_of(message + body, 16000)), out)) return {};
    return out;
}

TEST(ClientHelloPeek, ExtensionsThatLieAreMalformed) {
    using namespace std::string_literals;
    EXPECT_EQ(with_extensions("\0\0\0\6\0\4\0\0\1a"s)->sni, "a");
    const std::string bad[] = {
        "\0\0\0\7\0\4\0\0\1a"s,                     // longer than what there is
        "\0\0\0\6\0\5\0\0\1a"s,                     // list longer than the extension
        "\0\0\0\6\0\4\0\0\2a"s,                     // name longer than the list
        "\0\0\0\5\0\3\0\0\0"s,                      // empty name
        "\0\0\0\6\0\4\1\0\1a"s,                     // no host name
        "\0\0\0\6\0\4\0\0\1\0"s,                    // NUL
        "\0\0\0\6\0\4\0\0\1a\0\0\0\6\0\4\0\0\1b"s,  // twice
        "\0\x10\0\2\0\0"s,                          // ALPN without protocols
        "\0\x10\0\3\0\1\0"s,                        // an empty protocol
        "\0\x10\0\4\0\2\5h"s,                       // longer than the list
        "\0\x2b\0\1\0"s,                            // no versions
        "\0\x2b\0\4\3\3\4\3"s,                      // half a version
    };
    for (const std::string& one : bad) EXPECT_FALSE(with_extensions(one)) << testing::PrintToString(one);
}

TEST(ClientHelloPeek, GreaseIsNoVersion) {
    using namespace std::string_literals;
    EXPECT_EQ(with_extensions("\0\x2b\0\5\4\x7a\x7a\3\4"s)->highest_version, 0x0304);
}

}  // namespace
}  // namespace fedge::tls
