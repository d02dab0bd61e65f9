#include "dataplane/sip/routing.h"

#include <gtest/gtest.h>

#include "tests/unit/sip/requests.h"
#include "tests/unit/sip/rfc4475.h"
#include "tests/unit/sip/site.h"

namespace fedge::sip {
namespace {

const FlowTokens kTokens = test_tokens();
const Site kSite = test_site();

struct Routed {
    RequestRoute route;
    std::string domain, hop, request_uri, target;  // copies of the views
};

Routed route(const RequestText& text, const Flow& from, uint64_t now = kSiteNow) {
    Parsed m{text};
    RequestRoute r = route_request(*m, from, kSite, kTokens, now);
    return {r, std::string{r.domain}, std::string{r.hop.host}, std::string{r.request_uri}, std::string{r.target}};
}

struct Row {
    const char* name;
    RequestText text;
    const Flow& from;
    Action action;
    RouteFault fault;
    uint16_t status;
};

RequestText with(auto change, const char* method = "MESSAGE") {
    RequestText text{.method = method};
    change(text);
    return text;
}

TEST(SipRouting, Decisions) {
    using T = RequestText;
    using enum RouteFault;
    const std::string to_edge = "<sip:edge.b.example;lr>";
    const Row rows[] = {
        {"to our domain", with([](T&) {}), kPartner, Action::inside, none, 0},
        {"to our domain in capitals, with a dot", with([](T& t) { t.uri = "sips:bob@B.EXAMPLE.:5061"; }), kPartner,
         Action::inside, none, 0},
        {"to another domain from outside", with([](T& t) { t.uri = "sip:x@c.example"; }), kPartner, Action::answer,
         foreign_target, 404},
        {"to a domain that ends like ours", with([](T& t) { t.uri = "sip:x@notb.example"; }), kPartner, Action::answer,
         foreign_target, 404},
        {"to an address inside, from outside", with([](T& t) { t.uri = "sip:x@10.0.0.1"; }), kPartner, Action::answer,
         foreign_target, 404},
        {"our domain, but maddr elsewhere", with([](T& t) { t.uri = "sip:x@b.example;maddr=10.0.0.1"; }), kPartner,
         Action::inside, none, 0},
        {"to us by name", with([](T& t) { t.uri = "sip:bob@edge.b.example"; }), kPartner, Action::answer, own_target,
         482},
        {"to us by name and port", with([](T& t) { t.uri = "sip:bob@edge.b.example:5061"; }), kPartner, Action::answer,
         own_target, 482},
        {"to us by address", with([](T& t) { t.uri = "sip:192.0.2.5"; }), kPartner, Action::answer, own_target, 482},
        {"to us by IPv6 address, from inside", with([](T& t) { t.uri = "sip:x@[2001:db8::5]"; }), kFrontEnd,
         Action::answer, own_target, 482},
        {"to another port of our host", with([](T& t) { t.uri = "sip:edge.b.example:5099"; }), kPartner, Action::answer,
         foreign_target, 404},
        {"OPTIONS to us", with([](T& t) { t.uri = "sip:edge.b.example"; }, "OPTIONS"), kPartner, Action::answer, none,
         200},
        {"OPTIONS to us without hops",
         with(
             [](T& t) {
                 t.uri = "sip:edge.b.example:5061";
                 t.max_forwards = "0";
             },
             "OPTIONS"),
         kPartner, Action::answer, none, 200},
        {"OPTIONS to a user of ours", with([](T& t) { t.uri = "sip:x@b.example"; }, "OPTIONS"), kPartner,
         Action::inside, none, 0},
        {"Route to us without a signature", with([&](T& t) { t.more = "Route: " + to_edge + "\r\n"; }), kPartner,
         Action::inside, none, 0},
        {"Route to us and to us", with([&](T& t) {
             t.uri = "sip:edge.b.example";
             t.more = "Route: " + to_edge + ", " + to_edge + "\r\n";
         }),
         kPartner, Action::answer, own_target, 482},
        {"Route elsewhere from outside", with([](T& t) { t.more = "Route: <sip:10.0.0.1;lr>\r\n"; }), kPartner,
         Action::answer, foreign_route, 403},
        {"Route to us and then elsewhere from outside",
         with([&](T& t) { t.more = "Route: " + to_edge + ", <sip:fe.inside.b.example;lr>\r\n"; }), kPartner,
         Action::answer, foreign_route, 403},
        {"Route of ours with a made up signature",
         with([](T& t) { t.more = "Route: <sip:AAAA@edge.b.example;lr>\r\n"; }), kPartner, Action::answer,
         invalid_route, 481},
        {"Route of ours of another dialog",
         with([](T& t) { t.more = "Route: " + own_route(kTokens, kFrontEnd, "edge.b.example", "other") + "\r\n"; }),
         kPartner, Action::answer, invalid_route, 481},
        {"Max-Forwards 0", with([](T& t) { t.max_forwards = "0"; }), kPartner, Action::answer, too_many_hops, 483},
        {"Max-Forwards 1", with([](T& t) { t.max_forwards = "1"; }), kPartner, Action::inside, none, 0},
        {"Max-Breadth 0", with([](T& t) { t.more = "Max-Breadth: 0\r\n"; }), kPartner, Action::answer, too_broad, 440},
        {"Max-Breadth x", with([](T& t) { t.more = "Max-Breadth: x\r\n"; }), kPartner, Action::answer, bad_breadth,
         400},
        {"Max-Breadth 1", with([](T& t) { t.more = "Max-Breadth: 1\r\n"; }), kPartner, Action::inside, none, 0},
        {"Proxy-Require known", with([](T& t) { t.more = "Proxy-Require: KNOWN\r\n"; }), kPartner, Action::inside, none,
         0},
        {"Proxy-Require unknown", with([](T& t) { t.more = "Proxy-Require: known, x\r\n"; }), kPartner, Action::answer,
         bad_extension, 420},
        {"tel URI", with([](T& t) { t.uri = "tel:+1234"; }), kPartner, Action::answer, unsupported_scheme, 416},
        {"Record-Route in our name", with([](T& t) { t.more = "Record-Route: <sip:x@edge.b.example;lr>\r\n"; }),
         kPartner, Action::answer, forged_record_route, 400},
        {"Record-Route in our name, no user", with([](T& t) { t.more = "Record-Route: <sip:192.0.2.5;lr>\r\n"; }),
         kPartner, Action::answer, forged_record_route, 400},
        {"Record-Route of ours that came round",
         with([](T& t) { t.more = "Record-Route: " + own_route(kTokens, kFrontEnd, "edge.b.example") + "\r\n"; }),
         kPartner, Action::inside, none, 0},
        {"ACK is never answered", with([](T& t) { t.uri = "sip:x@c.example"; }, "ACK"), kPartner, Action::discard,
         foreign_target, 404},
        {"BENOTIFY is never answered", with([](T& t) { t.max_forwards = "0"; }, "BENOTIFY"), kPartner, Action::discard,
         too_many_hops, 483},
        {"CANCEL goes the way of its INVITE", with([](T&) {}, "CANCEL"), kPartner, Action::inside, none, 0},
        {"unknown method", with([](T&) {}, "NEWMETHOD"), kPartner, Action::inside, none, 0},
        {"to a partner", with([](T& t) { t.uri = "sip:x@c.example"; }), kFrontEnd, Action::domain, none, 0},
        {"to our domain from inside", with([](T&) {}), kFrontEnd, Action::answer, internal_target, 404},
        {"to us from inside", with([](T& t) { t.uri = "sip:x@edge.inside.b.example"; }), kFrontEnd, Action::answer,
         own_target, 482},
    };
    for (const Row& row : rows) {
        RequestRoute r = route(row.text, row.from).route;
        EXPECT_EQ(r.action, row.action) << row.name;
        EXPECT_EQ(name(r.fault), name(row.fault)) << row.name;
        EXPECT_EQ(r.status, row.status) << row.name;
    }
    EXPECT_EQ(diagnostics(invalid_route), 1004U);
    EXPECT_EQ(diagnostics(foreign_target), 1005U);
}

TEST(SipRouting, HopsAndBreadth) {
    EXPECT_EQ(route({.max_forwards = "70"}, kPartner).route.max_forwards, 69);
    EXPECT_EQ(route({.max_forwards = "255"}, kPartner).route.max_forwards, 254);
    EXPECT_EQ(route({.max_forwards = ""}, kPartner).route.max_forwards, 70);
    EXPECT_TRUE(route({}, kPartner).route.adds_breadth);
    EXPECT_FALSE(route({.more = "Max-Breadth: 60\r\n"}, kPartner).route.adds_breadth);
}

TEST(SipRouting, DialogsAreRecorded) {
    const std::pair<const char*, bool> first[] = {{"INVITE", true},   {"SUBSCRIBE", true}, {"REFER", true},
                                                  {"NOTIFY", true},   {"BENOTIFY", true},  {"MESSAGE", false},
                                                  {"OPTIONS", false}, {"BYE", false},      {"REGISTER", false}};
    for (auto [method, recorded] : first) {
        RequestText text{.method = method};
        EXPECT_EQ(route(text, kPartner).route.record_route, recorded) << method;
        text.to += ";tag=x";
        bool notify = std::string_view{method}.ends_with("NOTIFY");
        EXPECT_EQ(route(text, kPartner).route.record_route, notify) << method << " within";
    }
}

TEST(SipRouting, SignedRoutesLeadToTheOtherSide) {
    // As a peer outside sends it: what it sees of us first comes first, and leads inside.
    const std::string outer = own_route(kTokens, kFrontEnd, "edge.b.example");
    const std::string inner = own_route(kTokens, kPartner, "edge.inside.b.example");
    RequestText text{.method = "BYE", .uri = "sip:10.0.0.7:5061;gr=x", .to = "<sip:bob@b.example>;tag=t"};
    text.more = "Route: " + outer + ", " + inner + "\r\n";
    Routed r = route(text, kPartner);
    EXPECT_EQ(r.route.action, Action::flow);
    EXPECT_EQ(r.route.flow, kFrontEnd);
    EXPECT_EQ(r.route.own_routes, 2);
    EXPECT_TRUE(r.route.in_dialog);
    EXPECT_EQ(r.hop, "10.0.0.7") << "if that connection is gone";

    // From inside, with the partner's own proxy behind us.
    text.from.swap(text.to);
    text.to = "<sip:alice@a.example>;tag=f1";
    text.uri = "sip:alice@203.0.113.9";
    text.more = "Route: " + inner + "\r\nRoute: " + outer + ",\r\n <sip:proxy.a.example:5061;lr>\r\n";
    r = route(text, kFrontEnd);
    EXPECT_EQ(r.route.action, Action::flow);
    EXPECT_EQ(r.route.flow, kPartner);
    EXPECT_EQ(r.route.own_routes, 2);
    EXPECT_EQ(r.hop, "proxy.a.example");
    EXPECT_EQ(r.route.hop.port, 5061);
    EXPECT_EQ(r.domain, "a.example") << "policy sees the partner's domain, not an address";

    // A week later the signature is worth nothing.
    EXPECT_EQ(route(text, kFrontEnd, kSiteNow + 8 * 24 * 3600).route.fault, RouteFault::invalid_route);
    // What leads inside leads nobody from inside to outside.
    text.more = "Route: " + outer + "\r\n";
    r = route(text, kFrontEnd);
    EXPECT_EQ(r.route.action, Action::domain);
    // From outside, a signature that leads outside opens nothing.
    text.more = "Route: " + inner + "\r\n";
    EXPECT_EQ(route(text, kPartner).route.fault, RouteFault::foreign_target);
}

TEST(SipRouting, PathsOfRegistrationsLeadFromInsideOnly) {
    auto token = kTokens.issue(TokenUse::path, kPartner, {}, kSiteNow);
    RequestText text{.method = "INVITE", .uri = "sip:bob@203.0.113.8:40000"};
    text.more = "Route: <sip:" + std::string{view(token)} + "@edge.inside.b.example;lr>\r\n";
    Routed r = route(text, kFrontEnd);
    EXPECT_EQ(r.route.action, Action::flow);
    EXPECT_EQ(r.route.flow, kPartner);
    EXPECT_FALSE(r.route.in_dialog);
    EXPECT_TRUE(r.route.record_route);
    EXPECT_EQ(route(text, kPartner).route.fault, RouteFault::invalid_route);
    EXPECT_EQ(route(text, kFrontEnd, kSiteNow + 100'000).route.fault, RouteFault::invalid_route);
}

TEST(SipRouting, StrictRoutersBeforeUs) {
    // Section 16.4: our URI stands in the Request-URI, the target at the end of Route.
    const std::string inner = own_route(kTokens, kPartner, "edge.inside.b.example");
    RequestText text{.method = "BYE", .to = "<sip:alice@a.example>;tag=t"};
    text.uri = inner.substr(1, inner.size() - 2);
    text.more = "Route: <sip:proxy.a.example;lr>, <sip:alice@203.0.113.9>\r\n";
    Routed r = route(text, kFrontEnd);
    EXPECT_EQ(r.route.action, Action::flow);
    EXPECT_EQ(r.route.flow, kPartner);
    EXPECT_TRUE(r.route.restores_target);
    EXPECT_EQ(r.request_uri, "sip:alice@203.0.113.9");
    EXPECT_EQ(r.route.own_routes, 0);
    EXPECT_EQ(r.hop, "proxy.a.example");
    text.uri = "sip:forged@edge.inside.b.example;lr";
    EXPECT_EQ(route(text, kFrontEnd).route.fault, RouteFault::invalid_route);
}

TEST(SipRouting, StrictRoutersBehindUs) {
    // Section 16.6 step 6.
    RequestText text{.uri = "sip:x@c.example",
                     .more = "Route: <sip:edge.inside.b.example;lr>, <sip:old.c.example>\r\n"};
    Routed r = route(text, kFrontEnd);
    EXPECT_EQ(r.route.action, Action::domain);
    EXPECT_TRUE(r.route.strict_next);
    EXPECT_EQ(r.request_uri, "sip:old.c.example");
    EXPECT_EQ(r.target, "sip:x@c.example");
    EXPECT_EQ(r.hop, "old.c.example");
    EXPECT_EQ(r.domain, "c.example");
}

TEST(SipRouting, LoopsAreRefused) {
    RequestText text;
    std::string branch;
    {
        Parsed m{text};
        branch = view(kTokens.branch(*m, Side::outside));
    }
    text.via =
        "SIP/2.0/TLS x;branch=z9hG4bKq, SIP/2.0/TLS edge.inside.b.example:5061;branch=" + branch + ", " + text.via;
    EXPECT_EQ(route(text, kPartner).route.fault, RouteFault::looped);
    EXPECT_EQ(route(text, kPartner).route.status, 482);
}

TEST(SipRouting, Rfc4475) {
    struct Case {
        const char* name;
        RouteFault fault;
    };
    const Case cases[] = {{"unkscm", RouteFault::unsupported_scheme}, {"novelsc", RouteFault::unsupported_scheme},
                          {"bext01", RouteFault::bad_extension},      {"zeromf", RouteFault::too_many_hops},
                          {"wsinv", RouteFault::foreign_route},       {"semiuri", RouteFault::foreign_target}};
    for (const Case& c : cases) {
        std::string text = torture_message(c.name);
        Parsed m{text.substr(0, text.find("\r\n\r\n") + 4)};
        EXPECT_EQ(name(route_request(*m, kPartner, kSite, kTokens, kSiteNow).fault), name(c.fault)) << c.name;
    }
    std::string text = torture_message("bext01");
    Parsed m{text};
    std::string unsupported(200, '?');
    unsupported.resize(write_unsupported(*m, kSite, {reinterpret_cast<uint8_t*>(unsupported.data()), 200}));
    EXPECT_EQ(unsupported, "noProxiesSupportThis, norDoAnyProxiesSupportThis");
    text = torture_message("bcast");
    Parsed response{text.substr(0, text.find("\r\n\r\n") + 4)};
    EXPECT_EQ(route_response(*response, kPartner, kSite, kTokens, kSiteNow).fault, RouteFault::foreign_via);
}

std::string response_text(const std::string& vias) {
    return "SIP/2.0 200 OK\r\nVia: " + vias +
           "\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n\r\n";
}

TEST(SipRouting, Responses) {
    const std::string branch = "z9hG4bKwhatever";
    const std::string token{view(kTokens.issue(TokenUse::via, kPartner, branch, kSiteNow))};
    const std::string ours = "SIP/2.0/TLS edge.inside.b.example:5061;branch=" + branch + ";f=" + token;
    const std::string theirs = ", SIP/2.0/TLS a.example;branch=z9hG4bK1";
    auto route = [&](const std::string& vias, const Flow& from, uint64_t now = kSiteNow) {
        Parsed m{response_text(vias)};
        return route_response(*m, from, kSite, kTokens, now);
    };
    ResponseRoute r = route(ours + theirs, kFrontEnd);
    EXPECT_EQ(r.action, Action::flow);
    EXPECT_EQ(r.flow, kPartner);
    EXPECT_EQ(route(ours + theirs, kPartner).fault, RouteFault::wrong_side);
    EXPECT_EQ(route(ours, kFrontEnd).fault, RouteFault::invalid_via) << "nobody behind us";
    EXPECT_EQ(route(ours + theirs, kFrontEnd, kSiteNow + 4000).fault, RouteFault::invalid_via);
    EXPECT_EQ(route("SIP/2.0/TLS edge.inside.b.example:5061;branch=other;f=" + token + theirs, kFrontEnd).fault,
              RouteFault::invalid_via);
    EXPECT_EQ(route("SIP/2.0/TLS edge.inside.b.example:5061;branch=" + branch + theirs, kFrontEnd).fault,
              RouteFault::invalid_via);
    EXPECT_EQ(route("SIP/2.0/TLS elsewhere.example;branch=" + branch + ";f=" + token + theirs, kFrontEnd).fault,
              RouteFault::foreign_via);
    EXPECT_EQ(route("SIP/2.0/TLS edge.inside.b.example;branch=z9hG4bKown", kFrontEnd).action, Action::local);
}

}  // namespace
}  // namespace fedge::sip
