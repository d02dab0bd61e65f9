#include "tests/unit/sip/rfc4475.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/unit/sip/framed_text.h"

namespace fedge::sip {
namespace {

std::string_view header_of(std::string_view message) {
    return message.substr(0, message.find("\r\n\r\n") + 4);
}

class Rfc4475 : public testing::TestWithParam<TortureCase> {};

TEST_P(Rfc4475, Whole) {
    std::string text = torture_message(GetParam().name);
    auto message = std::make_unique<Message>();
    EXPECT_EQ(name(message->parse(header_of(text))), name(GetParam().fault));
}

TEST_P(Rfc4475, OnAStreamCutAnywhere) {
    const TortureCase& c = GetParam();
    const std::string text = torture_message(c.name);
    FramingLimits limits;
    limits.strict_length = false;
    const FramedText whole = frame_text(text, limits);
    EXPECT_EQ(name(whole.fault), name(c.framing));
    EXPECT_EQ(whole.messages.size(), c.messages);
    EXPECT_EQ(whole.unfinished, c.left);
    if (!whole.messages.empty()) EXPECT_EQ(whole.messages[0].header, header_of(text));
    for (size_t piece : {1, 2, 3, 7, 64}) EXPECT_EQ(frame_text(text, limits, piece), whole) << piece;
    for (size_t cut = 1; cut < text.size(); cut++) {
        FramedStream stream{limits};
        stream.arrive({}, std::string_view{text}.substr(0, cut));
        stream.arrive({}, std::string_view{text}.substr(cut));
        ASSERT_EQ(stream.out(), whole) << "cut at " << cut;
    }
    // The default for streams differs for one of them only.
    FramingFault strict = c.name == std::string_view{"wsinv"} ? FramingFault::bad_length : c.framing;
    EXPECT_EQ(name(frame_text(text, FramingLimits{}).fault), name(strict));
}

// What is cut short is never taken for a message.
TEST_P(Rfc4475, HeaderSectionsCutShortAreNone) {
    std::string text = torture_message(GetParam().name);
    std::string_view header = header_of(text);
    auto message = std::make_unique<Message>();
    for (size_t size = 0; size < header.size(); size++) {
        // Memory of its own size: a look beyond it is seen.
        std::string part{header.substr(0, size)};
        ASSERT_NE(message->parse(part), MessageFault::none) << size;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Rfc4475, testing::ValuesIn(kTorture), [](const auto& info) { return info.param.name; });

TEST(Rfc4475Content, ShortTortuousInvite) {
    std::string text = torture_message("wsinv");
    Message m;
    ASSERT_EQ(m.parse(header_of(text)), MessageFault::none);
    EXPECT_EQ(m.method(), Method::invite);
    EXPECT_EQ(m.request_uri().text, "sip:vivekg@chair-dnrc.example.com;unknownparam");
    EXPECT_EQ(m.to().tag, "1918181833n");
    EXPECT_EQ(m.from().tag, "98asjd8");
    EXPECT_EQ(m.from().display, "\"J Rosenberg \\\\\\\"\"");
    EXPECT_EQ(m.max_forwards(), 68);
    EXPECT_EQ(m.cseq().number, 9U);
    EXPECT_EQ(m.call_id(), "wsinv.ndaksdj@192.0.2.1");
    EXPECT_EQ(m.vias(), 3U);
    EXPECT_EQ(m.via().host, "192.0.2.2");
    EXPECT_EQ(m.via().branch, "390skdjuw");
    Values vias{m, HeaderId::via};
    vias.next();
    auto second = Via::parse(*vias.next()), third = Via::parse(*vias.next());
    EXPECT_EQ(second->transport, "TCP");
    EXPECT_EQ(second->host, "spindle.example.com");
    EXPECT_EQ(second->branch, "z9hG4bK9ikj8");
    EXPECT_EQ(third->branch, "z9hG4bK30239");
    EXPECT_FALSE(vias.next());
    EXPECT_EQ(m.value(HeaderId::subject), "");
    EXPECT_TRUE(m.has(HeaderId::subject));
    ASSERT_TRUE(m.find("unknownheaderWITHunusualvalue"));
    EXPECT_EQ(m.value(*m.find("unknownheaderWITHunusualvalue")), ";;,,;;,;");
    EXPECT_EQ(m.value(*m.find("NewFangledHeader")), "newfangled value\r\n continued newfangled value");
    Values routes{m, HeaderId::route};
    auto route = Address::parse(*routes.next());
    EXPECT_TRUE(route->uri.loose_router());
    EXPECT_EQ(route->uri.host, "services.example.com");
    auto contact = Address::parse(m.value(HeaderId::contact));
    ASSERT_TRUE(contact);
    EXPECT_EQ(find_parameter(contact->params, "q")->value, "0.33");
}

TEST(Rfc4475Content, WideRangeOfCharacters) {
    std::string text = torture_message("intmeth");
    Message m;
    ASSERT_EQ(m.parse(header_of(text)), MessageFault::none);
    EXPECT_EQ(m.method(), Method::other);
    EXPECT_EQ(m.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
    EXPECT_EQ(m.request_uri().user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    EXPECT_EQ(m.request_uri().password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    EXPECT_EQ(m.request_uri().host, "example.com");
    EXPECT_EQ(m.to().display.size(), 22U);
    EXPECT_EQ(m.from().tag, "_token~1'+`*%!-.");
    EXPECT_EQ(m.call_id(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    EXPECT_EQ(m.max_forwards(), 255);
}

TEST(Rfc4475Content, EscapesAreNotUndone) {
    std::string text = torture_message("esc02");
    Message m;
    ASSERT_EQ(m.parse(header_of(text)), MessageFault::none);
    EXPECT_EQ(m.method(), Method::other) << "RE%47IST%45R is not REGISTER";
    Values contacts{m, HeaderId::contact};
    EXPECT_EQ(contacts.next(), "<sip:alias1@host1.example.com>");
    EXPECT_EQ(contacts.next(), "<sip:alias3@host3.example.com>") << "C%6Fntact is not Contact";
    EXPECT_FALSE(contacts.next());
}

TEST(Rfc4475Content, LongValues) {
    std::string text = torture_message("longreq");
    Message m;
    ASSERT_EQ(m.parse(header_of(text)), MessageFault::none);
    EXPECT_EQ(m.vias(), 34U);
    EXPECT_EQ(m.via().host, "sip33.example.com");
}

TEST(Rfc4475Content, Reasons) {
    std::string text = torture_message("unreason");
    Message m;
    ASSERT_EQ(m.parse(header_of(text)), MessageFault::none);
    EXPECT_EQ(m.status_code(), 200);
    EXPECT_TRUE(m.reason().starts_with("= 2**3 * 5**2 "));
    text = torture_message("noreason");
    ASSERT_EQ(m.parse(header_of(text)), MessageFault::none);
    EXPECT_EQ(m.status_code(), 100);
    EXPECT_EQ(m.reason(), "");
}

}  // namespace
}  // namespace fedge::sip
