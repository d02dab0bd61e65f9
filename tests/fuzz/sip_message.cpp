// SIP messages: views stay inside, fields cover the header section without gaps, and what was found sound is found
// sound again when it is parsed alone. Framing accepts whatever line structure the message view accepts.
#include "dataplane/sip/message.h"

#include <memory>
#include <string>

#include "dataplane/sip/framing.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

void check_uri(Bytes whole, const sip::Uri& uri) {
    for (std::string_view part : {uri.text, uri.user, uri.password, uri.host, uri.params, uri.headers})
        expect(fuzz::inside(whole, bytes_of(part)), "part of a URI inside");
    expect(sip::Uri::parse(uri.text).has_value(), "a URI parses again");
}

void check_sound(Bytes whole, const sip::Message& m) {
    expect(m.answerable() == m.is_request(), "a sound request can be answered");
    check_uri(whole, m.from().uri);
    check_uri(whole, m.to().uri);
    if (m.is_request()) {
        check_uri(whole, m.request_uri());
        expect(m.request_uri().headers.empty(), "no header fields in a Request-URI");
        expect(m.cseq().method == m.method_text(), "one method");
    } else {
        expect(m.status_code() >= 100 && m.status_code() < 700, "status in range");
    }
    expect(!m.call_id().empty() && m.vias() >= 1 && m.vias() <= sip::Message::kMaxVias, "essentials");
    for (sip::HeaderId id : {sip::HeaderId::route, sip::HeaderId::record_route}) {
        sip::Values values{m, id};
        while (auto value = values.next()) expect(sip::Address::parse(*value).has_value(), "sound routes");
        expect(values.ok(), "sound lists of routes");
    }
    size_t vias = 0;
    sip::Values values{m, sip::HeaderId::via};
    while (auto value = values.next()) {
        expect(sip::Via::parse(*value).has_value(), "sound Vias");
        vias++;
    }
    expect(vias == m.vias(), "Vias are counted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static auto m = std::make_unique<sip::Message>();
    Bytes whole{data, size};
    std::string_view text = text_of(whole);
    sip::MessageFault fault = m->parse(text);
    size_t at = m->start_line_size();
    for (const sip::Field& f : m->fields()) {
        expect(f.line == at, "fields without gaps");
        at += f.line_size;
        expect(fuzz::inside(whole, bytes_of(m->line(f))) && m->line(f).ends_with("\r\n"), "whole lines inside");
        expect(fuzz::inside(bytes_of(m->line(f)), bytes_of(m->value(f))), "value inside its lines");
        expect(sip::header_id(m->name(f)) == f.id, "name and id");
    }
    if (fault != sip::MessageFault::none) return 0;
    expect(at + 2 == size, "fields cover the section");
    check_sound(whole, *m);
    // On a stream the same header section is framed as a whole, or lacks a sound length.
    sip::FramingLimits limits;
    limits.strict_length = false;
    sip::Framer framer{limits};
    sip::Frame frame = framer.scan({}, whole);
    expect(frame.take == size || frame.fault == sip::FramingFault::header_too_large, "framing sees the same end");
    return 0;
}
