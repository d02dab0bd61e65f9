// Editing of SIP messages: whatever is taken out, put in and replaced, what is written is a sound message again that
// frames as one, nothing that was to go is left, and a response to anything answerable is sound as far as the request
// was.
#include "dataplane/sip/edit.h"

#include <memory>
#include <vector>

#include "dataplane/sip/flow_token.h"
#include "dataplane/sip/framing.h"
#include "dataplane/sip/response.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;
using sip::HeaderId;

namespace {

size_t count(const sip::Message& m, HeaderId id) {
    size_t n = 0;
    sip::Values values{m, id};
    while (values.next()) n++;
    return n;
}

void check_framed(Bytes written, uint32_t body) {
    sip::FramingLimits limits;
    limits.header_bytes = 1 << 20;
    limits.headers = 1000;
    sip::Framer framer{limits};
    sip::Frame frame = framer.scan({}, written);
    expect(frame.what == sip::Framed::header && frame.take == written.size() && frame.body_bytes == body,
           "frames as one message");
}

void check_edit(const sip::Message& m, uint8_t choice, sip::Message& again) {
    static std::vector<uint8_t> out(1 << 17);
    size_t routes = count(m, HeaderId::route);
    sip::Edit edit{m, choice};
    if (m.is_request() && choice & 1) edit.set_request_uri("sip:new@c.example");
    if (choice & 2) edit.remove_first(HeaderId::via, m.vias() > 1 ? 1 : 0);
    if (choice & 4) edit.remove_trust_headers();
    if (choice & 8 && routes > 0) edit.remove_first(HeaderId::route, 1 + routes / 2);
    if (choice & 16 && routes > 3) edit.remove_last(HeaderId::route);
    if (choice & 32 && m.vias() > 1) edit.replace_first(HeaderId::via, "SIP/2.0/TLS z;received=192.0.2.1");
    if (choice & 64) edit.set(HeaderId::max_forwards, "5");
    edit.add_on_top(HeaderId::via, "SIP/2.0/TLS edge;branch=z9hG4bKx");
    expect(edit.ok(), "sound edits are taken");
    size_t size = edit.write(out);
    expect(size > 0, "fits");
    Bytes written = Bytes{out}.first(size);
    check_framed(written, choice);
    sip::MessageFault fault = again.parse(text_of(written));
    expect(fault == sip::MessageFault::none || fault == sip::MessageFault::too_many_fields ||
               fault == sip::MessageFault::too_many_vias,
           "sound again, or full");
    if (fault != sip::MessageFault::none) return;
    expect(again.via().host == "edge", "ours is on top");
    expect(again.call_id() == m.call_id() && again.cseq().number == m.cseq().number, "the same transaction");
    expect(again.from().tag == m.from().tag && again.to().tag == m.to().tag, "the same dialog");
    size_t left = routes - (choice & 8 && routes > 0 ? 1 + routes / 2 : 0) - (choice & 16 && routes > 3 ? 1 : 0);
    expect(count(again, HeaderId::route) == left, "as many Routes as should be");
    size_t vias = m.vias() + 1 - (choice & 2 && m.vias() > 1 ? 1 : 0);
    expect(again.vias() == vias, "as many Vias as should be");
    if (choice & 4)
        for (const sip::Field& f : again.fields()) expect(!sip::is_trust_header(f.id, again.name(f)), "no trust left");
}

void check_response(const sip::Message& m, bool sound, sip::Message& again) {
    static std::vector<uint8_t> out(1 << 17);
    size_t size =
        sip::write_response(m, {.status = 400, .reason = {}, .to_tag = "tt", .top_via = {}, .extra = {}}, out);
    expect(size > 0, "fits");
    check_framed(Bytes{out}.first(size), 0);
    sip::MessageFault fault = again.parse(text_of(Bytes{out}.first(size)));
    if (!sound) return;
    expect(fault == sip::MessageFault::none, "a response to a sound request is sound");
    expect(again.vias() == m.vias() && again.via().text == m.via().text, "all Vias are there");
    expect(!again.to().tag.empty() && again.cseq().number == m.cseq().number, "of this transaction");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static auto m = std::make_unique<sip::Message>(), again = std::make_unique<sip::Message>();
    static const sip::FlowTokens tokens{{.keys = {{1}}}};
    if (size == 0) return 0;
    bool sound = m->parse(text_of(Bytes{data + 1, size - 1})) == sip::MessageFault::none;
    if (m->answerable()) check_response(*m, sound, *again);
    if (!sound) return 0;
    check_edit(*m, data[0], *again);
    if (m->is_request()) {
        expect(sip::all<sip::kToken>(sip::view(tokens.branch(*m, sip::Side::inside))), "a branch is a token");
        expect(!tokens.looped(*m, sip::Side::outside), "nobody guesses a keyed hash");
    }
    return 0;
}
