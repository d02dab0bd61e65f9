// The table of dataplane/README.md, "The shared port", row by row.
#include "dataplane/signal/opening.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hex.h"

namespace fedge::signal {
namespace {

using std::string;

// MS-TURN section 2.1.1: 50 bytes, time and random from byte 11 on.
std::vector<uint8_t> pseudo_hello(uint8_t random = 0xa5) {
    auto bytes = test::from_hex("16 03 01 00 2d 01 00 00 29 03 01");
    bytes.resize(43, random);
    auto rest = test::from_hex("00 00 02 00 18 01 00");
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
}

struct PlainRow {
    const char* what;
    std::vector<uint8_t> first;
    Opening opening;
};

std::vector<PlainRow> plain_rows() {
    auto almost_pseudo = pseudo_hello();
    auto cut_pseudo = pseudo_hello();
    cut_pseudo.pop_back();
    almost_pseudo[47] = 0x2f;  // another cipher suite: a small but real ClientHello
    return {
        {"nothing yet", {}, Opening::undecided},
        {"TLS 1.2 or 1.3 ClientHello", test::from_hex("16 03 01 02 00 01 00 01 fc 03 03"), Opening::tls},
        {"ClientHello, record version 3.3", test::from_hex("16 03 03 00 ff 01"), Opening::tls},
        {"first bytes of a record", test::from_hex("16 03 01 02 00"), Opening::undecided},
        {"one byte of a record", test::from_hex("16"), Opening::undecided},
        {"record version 2", test::from_hex("16 02"), Opening::unknown},
        {"ServerHello", test::from_hex("16 03 03 00 4a 02"), Opening::unknown},
        {"alert record", test::from_hex("15 03 03 00 02 01 00"), Opening::unknown},
        {"pseudo-TLS", pseudo_hello(), Opening::pseudo_tls},
        {"pseudo-TLS, other random", pseudo_hello(0x00), Opening::pseudo_tls},
        {"pseudo-TLS without its end", cut_pseudo, Opening::undecided},
        {"a ClientHello of the same size", almost_pseudo, Opening::tls},
        {"MS-TURN control frame", test::from_hex("02 00 00 24 00 03"), Opening::pseudo_tls},
        {"MS-TURN data frame", test::from_hex("03 00 00 10"), Opening::pseudo_tls},
        {"not quite MS-TURN", test::from_hex("02 01"), Opening::unknown},
        {"STUN Binding request", test::from_hex("00 01 00 00 21 12 a4 42"), Opening::turn},
        {"TURN Allocate request", test::from_hex("00 03 00 08 21 12 a4 42 00"), Opening::turn},
        {"STUN without its cookie", test::from_hex("00 01 00 00 21 12 a4"), Opening::undecided},
        {"STUN with a wrong cookie", test::from_hex("00 01 00 00 21 12 a4 43"), Opening::unknown},
        {"STUN of impossible length", test::from_hex("00 01 00 02"), Opening::unknown},
        {"ChannelData before anything", test::from_hex("40 00 00 04 01 02 03 04"), Opening::unknown},
        {"HTTP", test::from_hex("47 45 54 20 2f"), Opening::unknown},
        {"SIP without TLS", test::from_hex("49 4e 56 49 54 45"), Opening::unknown},
        {"zeros", test::from_hex("00 00 00 00 00 00 00 00"), Opening::unknown},
    };
}

TEST(PlainOpening, Rows) {
    for (const PlainRow& row : plain_rows()) EXPECT_EQ(plain_opening(row.first), row.opening) << row.what;
}

// However the bytes come in, the verdict is the same, and never changes once it is there.
TEST(PlainOpening, CutAnywhere) {
    for (const PlainRow& row : plain_rows()) {
        Opening verdict = Opening::undecided;
        for (size_t n = 0; n <= row.first.size(); n++) {
            Opening now = plain_opening(Bytes(row.first).first(n));
            if (verdict != Opening::undecided) EXPECT_EQ(now, verdict) << row.what << " at " << n;
            verdict = now;
        }
        EXPECT_EQ(verdict, row.opening) << row.what;
    }
}

TEST(PlainOpening, DecidesByTheLastOfItsBytes) {
    auto bytes = pseudo_hello();
    ASSERT_EQ(bytes.size(), kOpeningBytes);
    for (int first = 0; first < 256; first++) {
        bytes[0] = static_cast<uint8_t>(first);
        EXPECT_NE(plain_opening(bytes), Opening::undecided) << first;
    }
}

struct SecuredRow {
    const char* what;
    string alpn;
    string sni;
    std::vector<uint8_t> first;
    Opening opening;
};

TEST(SecuredOpening, Rows) {
    const SharedNames names{{"turn.example.org"}, {"sip.example.org", "access.example.org"}};
    const SecuredRow rows[] = {
        {"ALPN stun.turn", "stun.turn", "", {}, Opening::turn},
        {"ALPN stun.nat-discovery", "stun.nat-discovery", "", {}, Opening::turn},
        {"ALPN sip/2", "sip/2", "", {}, Opening::sip},
        {"ALPN before SNI", "stun.turn", "sip.example.org", {}, Opening::turn},
        {"SNI of TURN", "", "turn.example.org", {}, Opening::turn},
        {"SNI in capitals", "", "TURN.Example.ORG", {}, Opening::turn},
        {"SNI of SIP", "", "access.example.org", {}, Opening::sip},
        {"SNI before bytes", "", "turn.example.org", test::from_hex("49 4e"), Opening::turn},
        {"other SNI, nothing yet", "", "www.example.org", {}, Opening::undecided},
        {"suffix of a name is another name", "", "xturn.example.org", {}, Opening::undecided},
        {"no name, STUN", "", "", test::from_hex("00 03 00 08 21 12 a4 42"), Opening::turn},
        {"no name, beginning of STUN", "", "", test::from_hex("00 03 00"), Opening::undecided},
        {"no name, INVITE", "", "", test::from_hex("49"), Opening::sip},
        {"no name, SIP keepalive", "", "", test::from_hex("0d 0a 0d 0a"), Opening::sip},
        {"no name, HTTP/2 preface is upper case too", "", "", test::from_hex("50 52 49"), Opening::sip},
        {"no name, XML", "", "", test::from_hex("3c 3f 78 6d 6c"), Opening::unknown},
        {"no name, TLS within TLS", "", "", test::from_hex("16 03 01"), Opening::unknown},
        {"no name, MS-TURN frame", "", "", test::from_hex("02 00"), Opening::unknown},
    };
    for (const SecuredRow& row : rows)
        EXPECT_EQ(secured_opening(row.alpn, row.sni, names, row.first), row.opening) << row.what;
}

}  // namespace
}  // namespace fedge::signal
