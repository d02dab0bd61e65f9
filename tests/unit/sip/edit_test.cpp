#include "dataplane/sip/edit.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/sip/requests.h"

namespace fedge::sip {
namespace {

std::string written(const Edit& edit, size_t room = 8192) {
    std::string out(room, '?');
    out.resize(edit.write({reinterpret_cast<uint8_t*>(out.data()), out.size()}));
    return out;
}

const std::string kHead =
    "MESSAGE sip:bob@b.example SIP/2.0\r\n"
    "v: SIP/2.0/TLS edge.example;branch=z9hG4bKours ,\r\n SIP/2.0/TLS a.example;branch=z9hG4bKone\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:alice@a.example>;tag=f1\r\n"
    "To: <sip:bob@b.example>\r\n"
    "Call-ID: c\r\n"
    "CSeq: 1 MESSAGE\r\n";

TEST(SipEdit, NothingChangesButTheLength) {
    Parsed m{kHead + "l : 99\r\nSubject: x\r\n y\r\n\r\n"};
    EXPECT_EQ(written(Edit{*m, 5}), kHead + "Subject: x\r\n y\r\nContent-Length: 5\r\n\r\n");
}

TEST(SipEdit, OnTopInOrderAndBehind) {
    Parsed m{kHead + "\r\n"};
    Edit edit{*m, 0};
    edit.add_on_top(HeaderId::via, "SIP/2.0/TLS x;branch=z9hG4bKx");
    edit.add_on_top(HeaderId::record_route, "<sip:1@x;lr>");
    edit.add_on_top(HeaderId::record_route, "<sip:2@x;lr>");
    edit.append("ms-thing", "v");
    edit.set_request_uri("sip:new@b.example");
    size_t first_line = kHead.find("\r\n") + 2;
    EXPECT_EQ(written(edit),
              "MESSAGE sip:new@b.example SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKx\r\n"
              "Record-Route: <sip:1@x;lr>\r\nRecord-Route: <sip:2@x;lr>\r\n" +
                  kHead.substr(first_line) + "ms-thing: v\r\nContent-Length: 0\r\n\r\n");
}

struct ListRow {
    const char* name;
    std::string fields;
    std::function<void(Edit&)> change;
    std::string result;
};

TEST(SipEdit, ListsOverFieldsAndCommas) {
    const ListRow rows[] = {
        {"first of one", "Route: <sip:a>\r\n", [](Edit& e) { e.remove_first(HeaderId::route, 1); }, ""},
        {"first of two in a field", "Route: <sip:a;x=\",\"> , <sip:b>\r\n",
         [](Edit& e) { e.remove_first(HeaderId::route, 1); }, ""},  // refused below: not a URI
        {"first of two fields", "Route: <sip:a>\r\nX: y\r\nroute: <sip:b>\r\n",
         [](Edit& e) { e.remove_first(HeaderId::route, 1); }, "X: y\r\nroute: <sip:b>\r\n"},
        {"two over a border", "Route: <sip:a>\r\nRoute: <sip:b>,\r\n <sip:c>,<sip:d>\r\n",
         [](Edit& e) { e.remove_first(HeaderId::route, 2); }, "Route: <sip:c>,<sip:d>\r\n"},
        {"one and then one", "Route: <sip:a>, <sip:b>, <sip:c>\r\n",
         [](Edit& e) {
             e.remove_first(HeaderId::route, 1);
             e.remove_first(HeaderId::route, 1);
         },
         "Route: <sip:c>\r\n"},
        {"last of a field", "Route: <sip:a>, <sip:b>\r\n", [](Edit& e) { e.remove_last(HeaderId::route); },
         "Route: <sip:a>\r\n"},
        {"last alone in its field", "Route: <sip:a>\r\nRoute: <sip:b>\r\n",
         [](Edit& e) { e.remove_last(HeaderId::route); }, "Route: <sip:a>\r\n"},
        {"first and last of three", "Route: <sip:a>, <sip:b>, <sip:c>\r\n",
         [](Edit& e) {
             e.remove_first(HeaderId::route, 1);
             e.remove_last(HeaderId::route);
         },
         "Route: <sip:b>\r\n"},
        {"first and last of two", "Route: <sip:a>, <sip:c>\r\n",
         [](Edit& e) {
             e.remove_first(HeaderId::route, 1);
             e.remove_last(HeaderId::route);
         },
         ""},
        {"first replaced", "Route: <sip:a>, <sip:b>\r\n", [](Edit& e) { e.replace_first(HeaderId::route, "<sip:z>"); },
         "Route: <sip:z>, <sip:b>\r\n"},
        {"second replaced when the first goes", "Route: <sip:a>, <sip:b>\r\n",
         [](Edit& e) {
             e.remove_first(HeaderId::route, 1);
             e.replace_first(HeaderId::route, "<sip:z>");
         },
         "Route: <sip:z>\r\n"},
    };
    for (const ListRow& row : rows) {
        if (row.fields.find('"') != std::string::npos) {
            EXPECT_THROW(Parsed{kHead + row.fields + "\r\n"}, std::runtime_error);
            continue;
        }
        Parsed m{kHead + row.fields + "\r\n"};
        Edit edit{*m, 0};
        row.change(edit);
        EXPECT_EQ(written(edit), kHead + row.result + "Content-Length: 0\r\n\r\n") << row.name;
    }
}

TEST(SipEdit, OurViaGoesHoweverItIsWritten) {
    Parsed m{kHead + "\r\n"};
    Edit edit{*m, 0};
    edit.remove_first(HeaderId::via, 1);
    std::string out = written(edit);
    EXPECT_EQ(out.find("z9hG4bKours"), std::string::npos);
    EXPECT_NE(out.find("v: SIP/2.0/TLS a.example;branch=z9hG4bKone\r\n"), std::string::npos);
}

TEST(SipEdit, TrustHeadersGoInEverySpelling) {
    const std::string trust =
        "ms-edge-proxy-message-trust: ms-source-type=AutoFederation\r\n"
        "MS-EDGE-PROXY-MESSAGE-TRUST  :\r\n x;\r\n y\r\n"
        "Ms-Edge-Proxy-Message-Trust2: x\r\n"
        "P-Asserted-Identity: <sip:boss@b.example>\r\n"
        "p-asserted-identity\t: <sip:boss@b.example>,\r\n\t<tel:+1>\r\n"
        "P-Preferred-Identity: x\r\nRemote-Party-ID: x\r\nms-diagnostics: 1000;reason=\"x\"\r\n"
        "ms-asserted-verification-level: ms-source-verified-user=verified\r\nP-Charging-Vector: x\r\n";
    Parsed m{kHead + "A: 1\r\n" + trust + "B: 2\r\nms-diagnostics-public: 1\r\n" + trust + "\r\n"};
    Edit edit{*m, 0};
    edit.remove_trust_headers();
    EXPECT_EQ(written(edit), kHead + "A: 1\r\nB: 2\r\nms-diagnostics-public: 1\r\nContent-Length: 0\r\n\r\n");
}

TEST(SipEdit, RemoveAndSetByName) {
    Parsed m{kHead + "X-One: 1\r\nx-two: 2\r\nX-ONE: 3\r\nk: a\r\nSupported: b\r\n\r\n"};
    Edit edit{*m, 0};
    edit.remove("x-one");
    edit.remove("SUPPORTED");
    edit.set(HeaderId::max_forwards, "69");
    std::string head = kHead;
    head.erase(head.find("Max-Forwards"), 18);
    EXPECT_EQ(written(edit), head + "x-two: 2\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n\r\n");
}

TEST(SipEdit, NothingBreaksOutOfItsLine) {
    Parsed m{kHead + "\r\n"};
    for (const char* value : {"a\r\nVia: x", "a\nb", "a\rb", "a\r\n", "a\r\n\r\nb", "a\\\nb"}) {
        Edit edit{*m, 0};
        edit.append("X", value);
        EXPECT_FALSE(edit.ok()) << value;
        EXPECT_EQ(written(edit), "");
    }
    for (const char* name : {"", "a b", "a:", "a\r\nb"}) {
        Edit edit{*m, 0};
        edit.append(name, "x");
        EXPECT_FALSE(edit.ok()) << name;
    }
    Edit folded{*m, 0};
    folded.append("X", "a\r\n b");
    EXPECT_TRUE(folded.ok());
    for (const char* uri : {"sip:a b", "sip:a\r\nX: y", "sip:a\tb"}) {
        Edit edit{*m, 0};
        edit.set_request_uri(uri);
        EXPECT_EQ(written(edit), "") << uri;
    }
}

TEST(SipEdit, RoomIsBounded) {
    Parsed m{kHead + "\r\n"};
    size_t size = written(Edit{*m, 0}).size();
    EXPECT_EQ(written(Edit{*m, 0}, size).size(), size);
    for (size_t room = 0; room < size; room++) EXPECT_EQ(written(Edit{*m, 0}, room), "");
    Edit many{*m, 0};
    for (size_t i = 0; i < Edit::kMaxAdded; i++) many.append("X", "y");
    EXPECT_TRUE(many.ok());
    many.append("X", "y");
    EXPECT_FALSE(many.ok());
    Edit absent{*m, 0};
    absent.remove_first(HeaderId::route, 1);
    EXPECT_FALSE(absent.ok());
}

TEST(SipEdit, ResponsesKeepTheirStatusLine) {
    Parsed m{"SIP/2.0 180 Klingelt\r\n" + kHead.substr(kHead.find("\r\n") + 2) + "\r\n"};
    Edit edit{*m, 0};
    edit.remove_first(HeaderId::via, 1);
    EXPECT_TRUE(written(edit).starts_with("SIP/2.0 180 Klingelt\r\nv: SIP/2.0/TLS a.example"));
}

}  // namespace
}  // namespace fedge::sip
