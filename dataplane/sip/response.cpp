#include "dataplane/sip/response.h"

#include <arpa/inet.h>

#include "dataplane/sip/edit.h"
#include "dataplane/sip/text_writer.h"

namespace fedge::sip {
namespace {

struct Phrase {
    uint16_t status;
    std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {100, "Trying"},
    {200, "OK"},
    {202, "Accepted"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {420, "Bad Extension"},
    {430, "Flow Failed"},
    {440, "Max-Breadth Exceeded"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {488, "Not Acceptable Here"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {606, "Not Acceptable"},
};

// Inside quotes (RFC 3261 section 25.1: quoted-pair).
void write_quoted(TextWriter& w, std::string_view text) {
    w << "\"";
    for (const char& c : text) {
        if (c == '"' || c == '\\') w << "\\";
        w << std::string_view{&c, 1};
    }
    w << "\"";
}

void write_address(TextWriter& w, const IpAddress& address) {
    Bytes wire = address.wire();
    if (address.is_v4()) {
        w << uint32_t{wire[0]} << "." << uint32_t{wire[1]} << "." << uint32_t{wire[2]} << "." << uint32_t{wire[3]};
        return;
    }
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, wire.data(), text, sizeof(text));
    w << text;
}

void write_vias(TextWriter& w, const Message& request, std::string_view top) {
    const Field* first = request.first(HeaderId::via);
    for (const Field* f = first; f; f = request.next(*f)) {
        if (f != first || top.empty()) {
            w << request.line(*f);
            continue;
        }
        ValueCursor values{request.value(*f)};
        values.next();
        std::string_view rest = trim(values.rest());
        w << "Via: " << top << (rest.empty() ? "" : ", ") << rest << "\r\n";
    }
}

}  // namespace

std::string_view reason_phrase(uint16_t status) {
    for (const Phrase& p : kPhrases)
        if (p.status == status) return p.text;
    switch (status / 100) {
        case 1: return "Progress";
        case 2: return "OK";
        case 3: return "Moved";
        case 4: return "Client Error";
        case 5: return "Server Error";
        default: return "Failure";
    }
}

size_t write_response(const Message& request, const ResponseSpec& spec, MutableBytes out) {
    std::string_view reason = spec.reason.empty() ? reason_phrase(spec.status) : spec.reason;
    if (!is_field_text(reason) || !is_field_text(spec.top_via)) return 0;
    TextWriter w{out};
    w << "SIP/2.0 " << spec.status << " " << reason << "\r\n";
    write_vias(w, request, spec.top_via);
    // Of a request with a fault each of these may be missing, and the To malformed: then it goes back as it came.
    auto copy = [&](HeaderId id) {
        if (const Field* field = request.first(id)) w << request.line(*field);
    };
    copy(HeaderId::from);
    if (request.has(HeaderId::to)) {
        auto address = Address::parse(request.value(HeaderId::to));
        w << "To: " << request.value(HeaderId::to);
        if (address && address->tag.empty() && spec.status != 100 && !spec.to_tag.empty()) w << ";tag=" << spec.to_tag;
        w << "\r\n";
    }
    copy(HeaderId::call_id);
    copy(HeaderId::cseq);
    // Section 8.2.6.1: the sender measures with it.
    if (spec.status == 100) copy(HeaderId::timestamp);
    for (const ExtraHeader& extra : spec.extra) {
        if (extra.name.empty() || !all<kToken>(extra.name) || !is_field_text(extra.value)) return 0;
        w << extra.name << ": " << extra.value << "\r\n";
    }
    w << "Content-Length: 0\r\n\r\n";
    return w.ok() ? w.size() : 0;
}

std::optional<std::string_view> received_via(const Via& via, const Endpoint& source, MutableBytes memory) {
    std::string_view host = via.host;
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    auto sent_by = IpAddress::parse(host);
    bool received = !sent_by || *sent_by != source.address || via.has_rport;  // RFC 3581 section 4: both or none
    if (!received && via.received.empty()) return std::nullopt;
    TextWriter w{memory};
    w << via.text.substr(0, via.text.size() - via.params.size());
    ParameterCursor params{via.params};
    while (auto p = params.next()) {
        if (equal_nocase(p->name, "received") || equal_nocase(p->name, "rport")) continue;
        w << ";" << p->name;
        if (p->has_value) w << "=" << p->value;
    }
    if (received) {
        w << ";received=";
        write_address(w, source.address);
    }
    if (via.has_rport) w << ";rport=" << uint32_t{source.port};
    return w.text();
}

size_t write_diagnostics(uint32_t id, std::string_view reason, std::string_view source, MutableBytes out) {
    TextWriter w{out};
    w << id << ";reason=";
    write_quoted(w, reason);
    w << ";source=";
    write_quoted(w, source);
    return w.ok() ? w.size() : 0;
}

}  // namespace fedge::sip
