// Routing of SIP messages: from outside nothing goes anywhere but inside, or along what this edge signed; what is
// passed on is a sound message, and the response to it finds back to where the request came from. The first byte
// chooses the side; octets 1 and 2 in the text stand for what is signed towards inside and outside, for Call-ID "c".
#include "dataplane/sip/forwarding.h"

#include <memory>
#include <string>
#include <vector>

#include "dataplane/sip/response.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

constexpr uint64_t kNow = 1'800'000'000;
constexpr std::string_view kOutside[] = {"edge.b", "192.0.2.5"};
constexpr std::string_view kInside[] = {"in.b"};

struct OneDomain final : sip::Domains {
    bool is_internal(std::string_view host) const override { return sip::same_host(host, "b"); }
};
const OneDomain kDomains;
const sip::Site kSite{.sides = {sip::Site::Names{kOutside, 5061}, sip::Site::Names{kInside, 5061}},
                      .domains = &kDomains};
const sip::Flow kPartner{.side = sip::Side::outside, .connection = 1};
const sip::Flow kFront{.side = sip::Side::inside, .connection = 2};

void pass_on(const sip::Message& m, const sip::RequestRoute& route, const sip::FlowTokens& tokens, bool outside) {
    static auto texts = std::make_unique<sip::ForwardingTexts>();
    static auto again = std::make_unique<sip::Message>(), back = std::make_unique<sip::Message>();
    static std::vector<uint8_t> out(1 << 17), answer(1 << 17);
    const sip::Flow& in = outside ? kPartner : kFront;
    const sip::Flow& to = outside ? kFront : kPartner;
    sip::Edit edit{m, 0};
    Endpoint source{IpAddress::v4(0xc0000201), 5061};
    if (!sip::forward_request(edit, {m, route, in, to, source, true}, kSite, tokens, kNow, *texts)) return;
    size_t size = edit.write(out);
    expect(size > 0, "what was taken is written");
    sip::MessageFault fault = again->parse(text_of(Bytes{out}.first(size)));
    if (fault == sip::MessageFault::too_many_vias || fault == sip::MessageFault::too_many_fields ||
        fault == sip::MessageFault::too_many_routes)
        return;
    expect(fault == sip::MessageFault::none, "what is passed on is sound");
    expect(again->max_forwards() == route.max_forwards, "one hop less");
    expect(again->vias() == m.vias() + 1, "one Via more");
    if (outside)
        for (const sip::Field& f : again->fields()) expect(!sip::is_trust_header(f.id, again->name(f)), "no trust");
    size_t length =
        sip::write_response(*again, {.status = 200, .reason = {}, .to_tag = "t", .top_via = {}, .extra = {}}, answer);
    expect(length > 0 && back->parse(text_of(Bytes{answer}.first(length))) == sip::MessageFault::none, "is answered");
    sip::ResponseRoute way = sip::route_response(*back, to, kSite, tokens, kNow);
    expect(way.action == sip::Action::flow && way.flow == in, "the response finds back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const sip::FlowTokens tokens{{.keys = {{1}}, .hash_key = {2}}};
    static const auto to_front = tokens.issue(sip::TokenUse::record_route, kFront, "c", kNow);
    static const auto to_partner = tokens.issue(sip::TokenUse::record_route, kPartner, "c", kNow);
    static auto m = std::make_unique<sip::Message>();
    if (size < 2) return 0;
    bool outside = data[0] & 1;
    std::string text;
    bool has_signed = false;
    for (char c : text_of(Bytes{data + 1, size - 1})) {
        has_signed |= c == 1 || c == 2;
        if (c == 1) {
            text += sip::view(to_front);
        } else if (c == 2) {
            text += sip::view(to_partner);
        } else {
            text += c;
        }
    }
    if (m->parse(text) != sip::MessageFault::none) return 0;
    const sip::Flow& from = outside ? kPartner : kFront;
    if (!m->is_request()) {
        expect(sip::route_response(*m, from, kSite, tokens, kNow).action != sip::Action::flow, "nobody forges a Via");
        return 0;
    }
    sip::RequestRoute route = sip::route_request(*m, from, kSite, tokens, kNow);
    bool silent = m->method() == sip::Method::ack || m->method() == sip::Method::benotify;
    switch (route.action) {
        case sip::Action::answer:
            expect(!silent && route.status >= 200, "a final answer, to who waits for one");
            return 0;
        case sip::Action::discard: expect(silent && route.fault != sip::RouteFault::none, "for a reason"); return 0;
        case sip::Action::local: expect(false, "requests are not local"); return 0;
        case sip::Action::domain: expect(!outside, "no relay for those outside"); break;
        case sip::Action::inside: expect(outside, "from outside to inside"); break;
        case sip::Action::flow:
            expect(has_signed && m->call_id() == "c" && route.flow.side != from.side, "along what was signed");
            break;
    }
    pass_on(*m, route, tokens, outside);
    return 0;
}
