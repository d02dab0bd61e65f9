// Filters in the path of the proxy: what is refused, changed and closed, and what the sender is told.
#include "dataplane/sip/framing.h"
#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

SipPlan with(sip::LinkAction action, const std::string& message = "") {
    sip::FilterSettings settings;
    settings.link_action = action;
    settings.allow_message = settings.warn_message = message;
    SipPlan plan;
    plan.filters = settings;
    return plan;
}

struct Ends {
    explicit Ends(const SipPlan& plan = with(sip::LinkAction::block)) : world(plan) {
        world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    }
    SipWorld world;
    FakeStream& inside = world.inside();
    FakeStream& partner = world.partner();

    // What came of it: what reached the front end, and what the partner was told.
    struct Outcome {
        SipText passed;
        SipText told;
    };
    Outcome from_partner(const SipText& message) {
        world.send(partner, message);
        SipText passed = world.next_request(inside);
        return {passed, world.next(partner)};
    }
    std::string passed(const std::string& body, const std::string& type = "text/plain") {
        SipText message = message_in("call-" + std::to_string(++calls)).set("Content-Type", type);
        message.body = body;
        return from_partner(message).passed.body;
    }
    int calls = 0;
};

SipText saying(const std::string& body, const std::string& type = "text/plain") {
    SipText out = message_in().set("Content-Type", type);
    out.body = body;
    return out;
}

TEST(SipFilterPath, WithoutFiltersLinksPass) {
    Ends ends{SipPlan{}};
    EXPECT_EQ(ends.passed("see http://evil.example"), "see http://evil.example");
}

TEST(SipFilterPath, LinksAreBlockedInEveryDirection) {
    Ends ends;
    auto refused = [](const SipText& answer) {
        EXPECT_EQ(answer.status(), 403);
        EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with("16000;")) << answer.get("ms-diagnostics-public");
    };
    auto [passed, told] = ends.from_partner(saying("see http://evil.example"));
    EXPECT_EQ(passed.start, "");
    refused(told);

    SipText out = message_out();
    out.body = "see http://evil.example";
    ends.world.send(ends.inside, out);
    FakeStream& far = ends.world.begun(1, {"sip.partner.example"});
    EXPECT_EQ(ends.world.next(far).start, "");
    refused(ends.world.next_request(ends.inside));

    FakeStream& user = ends.world.client();
    SipText mine = saying("see http://evil.example").set("From", "<sip:bob@contoso.com>;tag=1");
    ends.world.send(user, mine);
    EXPECT_EQ(ends.world.next_request(ends.inside).start, "");
    refused(ends.world.next(user));
    EXPECT_EQ(ends.world.count(Counter::sip_filtered), 3U);
    EXPECT_EQ(ends.from_partner(saying("just text")).passed.body, "just text");
}

TEST(SipFilterPath, NeitherFoldsNorEncodingsNorChunkBordersEvade) {
    Ends ends;
    const SipText rows[] = {
        saying("http://evil.example", "text/plain;\r\n charset=utf-8"),
        saying("http://evil.example", "TEXT/\tplain"),
        saying("h%74tp://evil.example"),
        saying("ht<i></i>tp://evil.example", "text/html"),
        saying("--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding:\r\n base64\r\n\r\n"
               "aHR0cDovL2V2aWwuZXhhbXBsZQ==\r\n--x--\r\n",
               "multipart/mixed;\r\n boundary=x"),
        saying("\x1f\x8b...").add("Content-Encoding", "identity, gzip"),
        saying("\x1f\x8b...").add("e", "gzip"),
        saying("aHR0cDovL2V2aWwuZXhhbXBsZQ==").add("content-transfer-encoding", "BASE64"),
        saying("http://evil.example").remove("Content-Type"),
        saying("http://evil.example", "").remove("Content-Type").add("c", "text/plain"),
        with_method(saying("http://evil.example"), "INFO"),
        with_method(saying("http://evil.example"), "X-NEWS"),
        with_method(saying("").set("Subject", "www.\r\n evil.example www.evil.example"), "INVITE"),
        with_method(saying("").set("Ms-Text-Format", "text/plain;ms-body=aHR0cDovL2V2aWwuZXhhbXBsZQ=="), "INVITE"),
    };
    for (const SipText& row : rows) {
        auto [passed, told] = ends.from_partner(row);
        EXPECT_EQ(passed.start, "") << row.text();
        EXPECT_EQ(told.status(), 403) << row.text();
    }
    std::string text = saying("see ht&#116;p://evil.example").text();
    for (char c : text) {
        ends.partner.send(bytes_of(std::string_view(&c, 1)));
        ends.world.turn();
    }
    EXPECT_EQ(ends.world.next_request(ends.inside).start, "");
    EXPECT_EQ(ends.world.next(ends.partner).status(), 403);
    EXPECT_EQ(ends.world.count(Counter::sip_filtered), std::size(rows) + 1);
}

TEST(SipFilterPath, PresenceAndSessionsAreFullOfAddressesAndPass) {
    Ends ends;
    EXPECT_EQ(ends.passed("<presentity uri=\"sip:alice@partner.example\"/>", "application/pidf+xml"),
              "<presentity uri=\"sip:alice@partner.example\"/>");
    SipText presence = with_method(saying("<x uri=\"sip:alice@partner.example\"/>", "text/xml+msrtc.pidf"), "NOTIFY");
    presence.add("Event", "presence").add("Subscription-State", "active");
    EXPECT_EQ(ends.from_partner(presence).passed.method(), "NOTIFY");
    SipText call = with_method(saying("v=0\r\nu=http://www.partner.example/\r\nm=message 1 TCP/MSRP *\r\n"), "INVITE");
    call.set("Content-Type", "application/sdp").add("Contact", "<sip:alice@10.9.9.9>");
    EXPECT_EQ(ends.from_partner(call).passed.method(), "INVITE");
}

TEST(SipFilterPath, AllowedLinksAreDefusedAndTheLengthIsRight) {
    Ends ends{with(sip::LinkAction::allow, "Links were changed.")};
    EXPECT_EQ(ends.passed("see http://a.example and www.b.example"),
              "Links were changed.\r\nsee _http://a.example and _www.b.example");
    EXPECT_EQ(ends.world.count(Counter::sip_defused), 1U);
    EXPECT_EQ(ends.passed("nothing"), "nothing") << "the next message is framed as it should be";
    auto [passed, told] = ends.from_partner(saying("http://a.example/tool.exe"));
    EXPECT_EQ(told.status(), 403);
    EXPECT_TRUE(told.get("ms-diagnostics-public").starts_with("16001;")) << "files come first";
    EXPECT_EQ(ends.from_partner(saying("ht<b></b>tp://a.example", "text/html")).told.status(), 403)
        << "what cannot be defused";
}

TEST(SipFilterPath, TextsBeyondTheScratchAreSeenToTheEnd) {
    const std::string filler(sip::FilterScratch::kText + 100, 'x');
    Ends ends;
    EXPECT_EQ(ends.from_partner(saying(filler + " http://evil.example")).told.status(), 403);
    Ends warned{with(sip::LinkAction::warn, "Careful & slow.")};
    warned.inside.room = 10'000'000;
    std::string long_text = filler + filler + " http://a.example";
    EXPECT_EQ(warned.passed(long_text), "Careful & slow.\r\n" + long_text);
    EXPECT_EQ(warned.passed("<p>http://a.example</p>", "text/html"),
              "Careful &amp; slow.<br>\r\n<p>http://a.example</p>");
    EXPECT_EQ(warned.world.count(Counter::sip_warned), 2U);
    EXPECT_EQ(warned.passed("no link"), "no link");
    EXPECT_EQ(warned.world.count(Counter::sip_warned), 2U);
}

TEST(SipFilterPath, OffersOfFilesAreRefusedWhereverTheyStand) {
    Ends ends;
    const std::string offer =
        "v=0\r\nm=message 7654 TCP/MSRP *\r\na=sendonly\r\na=file-selector:name:\"game.exe\" size:4\r\n";
    SipText invite = with_method(saying(offer, "application/sdp"), "INVITE").add("Contact", "<sip:alice@10.9.9.9>");
    auto [passed, told] = ends.from_partner(invite);
    EXPECT_EQ(told.status(), 403);
    EXPECT_TRUE(told.get("ms-diagnostics-public").starts_with("16001;"));
    // The offer of a call that asked for one.
    SipText empty = with_method(message_in("late"), "INVITE").add("Contact", "<sip:alice@10.9.9.9>");
    empty.body.clear();
    SipText got = ends.from_partner(empty).passed;
    SipText answer = response_to(got, 200).add("Content-Type", "application/sdp");
    answer.body = offer;
    ends.world.send(ends.inside, answer);
    EXPECT_EQ(ends.world.next(ends.partner).start, "");
    EXPECT_EQ(ends.world.count(Counter::sip_filtered), 2U);
    SipText picture = response_to(got, 200).add("Content-Type", "application/sdp");
    picture.body = "m=message 7654 TCP/MSRP *\r\na=file-selector:name:\"photo.png\" size:4\r\n";
    ends.world.send(ends.inside, picture);
    EXPECT_EQ(ends.world.next(ends.partner).status(), 200);
}

TEST(SipFilterPath, AckWithAForbiddenOfferIsDroppedWithoutAWord) {
    Ends ends;
    SipText ack = with_method(saying("a=file-selector:name:\"game.exe\"\r\n", "application/sdp"), "ACK");
    auto [passed, told] = ends.from_partner(ack);
    EXPECT_EQ(passed.start, "");
    EXPECT_EQ(told.start, "");
    EXPECT_EQ(ends.world.count(Counter::sip_filtered), 1U);
}

TEST(SipFilterPath, WhatWaitsIsFilteredOnceWhenItLeaves) {
    Ends ends{with(sip::LinkAction::allow)};
    ends.world.dns_silent = true;
    SipText out = message_out();
    out.body = "http://a.example";
    ends.world.send(ends.inside, out);
    ends.world.answer("partner.example");
    FakeStream& far = ends.world.begun(1, {"sip.partner.example"});
    EXPECT_EQ(ends.world.next(far).body, "_http://a.example");
    EXPECT_EQ(ends.world.count(Counter::sip_defused), 1U);
}

TEST(SipFilterPath, ALaterMessageStandsInPlaceOfAnEarlierOne) {
    Ends warned{with(sip::LinkAction::warn, "Careful <now>.")};
    const std::string link = "http://a.example";
    SipText once = warned.from_partner(saying(link)).passed;
    EXPECT_EQ(once.body, "Careful <now>.\r\n" + link);
    EXPECT_EQ(once.get("Filter-Notice-Length"), "16");
    // Ours, by whatever way it comes back.
    EXPECT_EQ(warned.passed(once.body), once.body);
    EXPECT_EQ(warned.passed("Careful &lt;now&gt;.<br>\r\n<p>http://a.example</p>", "text/html"),
              "Careful &lt;now&gt;.<br>\r\n<p>http://a.example</p>");
    // Of another edge, as it says.
    struct Row {
        const char* length;
        const char* body;
        const char* passed;
    };
    const Row rows[] = {
        {"8", "Beware\r\nhttp://a.example", "Careful <now>.\r\nhttp://a.example"},
        {"9", "Beware\r\nhttp://a.example", "Careful <now>.\r\nBeware\r\nhttp://a.example"},
        {"1", "Beware\r\nhttp://a.example", "Careful <now>.\r\nBeware\r\nhttp://a.example"},
        {"99999999999999999999", "http://a.example", "Careful <now>.\r\nhttp://a.example"},
        {"-2", "http://a.example\r\n", "Careful <now>.\r\nhttp://a.example\r\n"},
        {"2", "\r\nhttp://a.example", "Careful <now>.\r\nhttp://a.example"},
    };
    for (const Row& row : rows) {
        SipText told = saying(row.body).set("Call-ID", row.length).add("filter-notice-length", row.length);
        SipText passed = warned.from_partner(told).passed;
        EXPECT_EQ(passed.body, row.passed) << row.length;
        EXPECT_EQ(passed.all("Filter-Notice-Length").size(), 1U);
    }
    // Without an action here the earlier one stays, and says so to the next.
    SipText clean = saying("Beware\r\nno link").add("Filter-Notice-Length", "8");
    SipText passed = warned.from_partner(clean).passed;
    EXPECT_EQ(passed.body, "Beware\r\nno link");
    EXPECT_EQ(passed.get("Filter-Notice-Length"), "8");

    // Links in what is taken out are not defused, those behind it are where they stand.
    Ends allowed{with(sip::LinkAction::allow, "Changed.")};
    SipText both = saying("See http://help.example\r\nand www.b.example").add("Filter-Notice-Length", "25");
    EXPECT_EQ(allowed.from_partner(both).passed.body, "Changed.\r\nand _www.b.example");
}

TEST(SipFilterPath, FirstMessagesOfInvitationsAreChangedAsAnyOther) {
    auto invite = [](const std::string& name, const std::string& value) {
        return with_method(saying(""), "INVITE").set(name, value).add("Contact", "<sip:alice@10.9.9.9>");
    };
    // see http://a.example
    const std::string format = "text/plain; charset=UTF-8;msgr=WAA=;ms-body=c2VlIGh0dHA6Ly9hLmV4YW1wbGU=;x=y";
    Ends warned{with(sip::LinkAction::warn, "Careful.")};
    EXPECT_EQ(warned.from_partner(invite("Ms-Text-Format", format)).passed.get("Ms-Text-Format"),
              "text/plain; charset=UTF-8;msgr=WAA=;ms-body=Q2FyZWZ1bC4NCnNlZSBodHRwOi8vYS5leGFtcGxl;x=y");
    EXPECT_EQ(warned.from_partner(invite("Subject", "see www.a.example")).passed.get("Subject"),
              "Careful.  see www.a.example");
    EXPECT_EQ(warned.world.count(Counter::sip_warned), 2U);
    EXPECT_EQ(warned.from_partner(invite("Subject", "Careful.  see www.a.example")).passed.get("Subject"),
              "Careful.  see www.a.example");
    EXPECT_EQ(warned.from_partner(invite("Subject", "lunch")).passed.get("Subject"), "lunch");

    Ends allowed{with(sip::LinkAction::allow)};
    EXPECT_EQ(allowed.from_partner(invite("ms-text-format", format)).passed.get("Ms-Text-Format"),
              "text/plain; charset=UTF-8;msgr=WAA=;ms-body=c2VlIF9odHRwOi8vYS5leGFtcGxl;x=y");
    EXPECT_EQ(allowed.from_partner(invite("s", "www.a.example")).passed.get("Subject"), "_www.a.example");
    EXPECT_EQ(allowed.world.count(Counter::sip_defused), 2U);
    // Two of a kind, of which nobody knows which one is shown, and a file.
    SipText two = invite("Subject", "www.a.example").add("Subject", "www.b.example");
    EXPECT_EQ(allowed.from_partner(two).told.status(), 403);
    SipText hidden = invite("Ms-Text-Format", "text/plain;ms-body=aGVsbG8=").add("Ms-Text-Format", format);
    EXPECT_EQ(allowed.from_partner(hidden).told.status(), 0) << "one of them has a link, which is defused";
    EXPECT_TRUE(allowed.from_partner(invite("Subject", "http://a.example/x.exe"))
                    .told.get("ms-diagnostics-public")
                    .starts_with("16001;"));
}

// --- scanners

struct Scanner {
    const char* name;
    const char* header;
    const char* value;
};
class ScannersAreClosed : public testing::TestWithParam<Scanner> {};

TEST_P(ScannersAreClosed, WithoutAWord) {
    Ends ends;
    for (PeerKind kind : {PeerKind::client, PeerKind::partner}) {
        FakeStream& stream = ends.world.come(kind, "198.51.100.66:5060", {"scanner.example"});
        SipText probe = with_method(message_in("scan"), "OPTIONS");
        probe.start = "OPTIONS sip:100@192.0.2.10 SIP/2.0";
        probe.body.clear();
        probe.set(GetParam().header, GetParam().value);
        ends.world.send(stream, probe);
        EXPECT_TRUE(stream.over());
        EXPECT_EQ(ends.world.next(stream).start, "");
    }
    EXPECT_EQ(ends.world.count(Counter::sip_scanners), 2U);
    EXPECT_EQ(ends.world.count(Counter::sip_answers), 0U);
    EXPECT_TRUE(ends.world.asked.empty());
}

INSTANTIATE_TEST_SUITE_P(Signatures, ScannersAreClosed,
                         testing::Values(Scanner{"sipvicious", "User-Agent", "friendly-scanner"},
                                         Scanner{"sipvicious_by_name", "From", "\"sipvicious\"<sip:100@1.1.1.1>;tag=1"},
                                         Scanner{"sipsak", "User-Agent", "sipsak 0.9.7"},
                                         Scanner{"voip", "User-Agent", "VOIP"},
                                         Scanner{"sundayddr", "User-Agent", "sundayddr"},
                                         Scanner{"sipcli", "User-Agent", "sipcli/v1.8"},
                                         Scanner{"vaxsip", "User-Agent", "VaxSIPUserAgent/3.1"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ScannersAreClosed, AndCountedEachByItsSignature) {
    SipPlan plan;
    plan.filters = sip::FilterSettings{};
    plan.filters->scanners = {"nosy", "=voip", "sipsak"};
    Ends ends{plan};
    auto come = [&](const char* agent) {
        FakeStream& stream = ends.world.client();
        ends.world.send(stream, with_method(message_in("scan"), "OPTIONS").set("User-Agent", agent));
        EXPECT_TRUE(stream.over()) << agent;
    };
    auto counts = [&] {
        std::string out;
        std::array<ScannerRecord, 2> rows;
        uint64_t cursor = 0;
        do {
            uint32_t n = ends.world.proxy().list_scanners(rows, cursor);
            for (uint32_t i = 0; i < n; i++)
                out += std::string(rows[i].signature.view()) + " " + std::to_string(rows[i].closed) + "; ";
        } while (cursor != 0);
        return out;
    };
    for (const char* agent : {"Nosy/1", "sipsak 0.9.7", "VOIP", "nosy"}) come(agent);
    EXPECT_EQ(counts(), "nosy 2; =voip 1; sipsak 1; ");
    EXPECT_EQ(ends.world.count(Counter::sip_scanners), 4U);
    // A change of the list: what stays keeps its count.
    sip::FilterSettings changed = *plan.filters;
    changed.scanners = {"sipsak", "fresh", "nosy"};
    ends.world.adopt(changed);
    come("fresh");
    EXPECT_EQ(counts(), "sipsak 1; fresh 1; nosy 2; ");
}

TEST(ScannersAreClosed, AlsoWhenWhatTheySayIsMalformed) {
    Ends ends;
    FakeStream& broken = ends.world.client();
    SipText probe = with_method(message_in("scan"), "OPTIONS").set("User-Agent", "friendly-scanner");
    ends.world.send(broken, probe.set("CSeq", "1 REGISTER"));
    EXPECT_TRUE(broken.over());
    FakeStream& large = ends.world.client();
    probe.body.assign(129 * 1024, 'x');
    ends.world.send(large, probe);
    EXPECT_TRUE(large.over());
    EXPECT_EQ(ends.world.count(Counter::sip_scanners), 2U);
    EXPECT_EQ(ends.world.count(Counter::sip_answers), 0U);
}

TEST(ScannersAreClosed, ButNobodyCutsOffOthersByNamingOne) {
    Ends ends;
    EXPECT_EQ(ends.from_partner(message_in("first")).passed.method(), "MESSAGE");
    SipText named = message_in("second").add("Subject", "friendly-scanner");
    EXPECT_EQ(ends.from_partner(named).passed.method(), "MESSAGE");
    EXPECT_FALSE(ends.partner.over());

    FakeStream& user = ends.world.client();
    SipText registration = with_method(message_in("reg"), "REGISTER").set("From", "<sip:bob@contoso.com>;tag=r");
    ends.world.send(user, registration);
    ends.world.send(ends.inside, response_to(ends.world.next_request(ends.inside), 200));
    ends.world.next(user);
    ends.world.send(user, registration.add("User-Agent", "sipsak"));
    EXPECT_FALSE(user.over());
    EXPECT_EQ(ends.world.count(Counter::sip_scanners), 0U);

    // Servers inside may use what they like.
    ends.world.send(ends.inside, message_out().add("User-Agent", "sipsak"));
    EXPECT_FALSE(ends.inside.over());
}

TEST(ScannersAreClosed, PeopleAreNoScanners) {
    Ends ends;
    FakeStream& user = ends.world.client();
    SipText registration = with_method(message_in("reg"), "REGISTER");
    registration.set("From", "\"Eva Iwarsson\" <sip:nmapper@contoso.com>;tag=r");
    ends.world.send(user, registration);
    EXPECT_FALSE(user.over());
    EXPECT_EQ(ends.world.next_request(ends.inside).method(), "REGISTER");
}

}  // namespace
}  // namespace fedge::signal
