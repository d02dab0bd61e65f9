#include "dataplane/sip/forwarding.h"

#include "dataplane/sip/response.h"
#include "dataplane/sip/text_writer.h"

namespace fedge::sip {
namespace {

void write_sent_by(TextWriter& w, const Site::Names& names) {
    w << names.hosts.front() << ":" << uint32_t{names.port};
}

// The URI faces one side, and a request that comes with it goes on to the other: that is the flow signed into it.
std::string_view write_record_route(MutableBytes memory, const Forwarding& f, Side faces, const Flow& onward,
                                    const Site& site, const FlowTokens& tokens, uint64_t now) {
    FlowTokens::Token token = tokens.issue(TokenUse::record_route, onward, f.request.call_id(), now);
    TextWriter w{memory};
    // RFC 3261 section 16.6 step 4: sips all the way if the target is.
    w << (f.request.request_uri().scheme == Scheme::sips ? "<sips:" : "<sip:") << view(token) << "@";
    write_sent_by(w, site.names(faces));
    w << ";transport=tls;lr>";
    return w.text();
}

}  // namespace

bool forward_request(Edit& edit, const Forwarding& f, const Site& site, const FlowTokens& tokens, uint64_t unix_now,
                     ForwardingTexts& texts) {
    FlowTokens::Branch branch = tokens.branch(f.request, f.in.side);
    FlowTokens::Token token = tokens.issue(TokenUse::via, f.in, view(branch), unix_now);
    TextWriter via{texts.via};
    via << "SIP/2.0/TLS ";
    write_sent_by(via, site.names(f.out.side));
    via << ";branch=" << view(branch) << ";" << kFlowParameter << "=" << view(token) << (f.alias ? ";alias" : "");
    if (!f.names.empty()) via << ";" << kNamesParameter << "=" << f.names;
    edit.add_on_top(HeaderId::via, via.text());
    bool fits = via.ok();

    if (f.route.record_route) {
        // The topmost is the first that the next element sees.
        auto out = write_record_route(texts.record_routes[0], f, f.out.side, f.in, site, tokens, unix_now);
        auto in = write_record_route(texts.record_routes[1], f, f.in.side, f.out, site, tokens, unix_now);
        edit.add_on_top(HeaderId::record_route, out);
        edit.add_on_top(HeaderId::record_route, in);
        fits &= !out.empty() && !in.empty();
    }
    if (auto received = received_via(f.request.via(), f.source, texts.received)) {
        edit.replace_first(HeaderId::via, *received);
        fits &= !received->empty();
    }

    size_t gone = f.route.own_routes + (f.route.strict_next ? 1U : 0U);
    if (f.route.restores_target) edit.remove_last(HeaderId::route);
    if (gone > 0) edit.remove_first(HeaderId::route, gone);
    if (f.route.strict_next) {
        TextWriter target{texts.target};
        target << "<" << f.route.target << ">";
        edit.append(HeaderId::route, target.text());
        fits &= target.ok();
    }
    if (!f.route.request_uri.empty()) edit.set_request_uri(f.route.request_uri);

    TextWriter hops{texts.hops};
    hops << uint32_t{f.route.max_forwards};
    edit.set(HeaderId::max_forwards, hops.text());
    if (f.route.adds_breadth) edit.append(HeaderId::max_breadth, "60");
    if (f.in.side == Side::outside) edit.remove_trust_headers();
    return fits && edit.ok();
}

void forward_response(Edit& edit, Side from) {
    edit.remove_first(HeaderId::via, 1);
    if (from == Side::outside) edit.remove_trust_headers();
}

}  // namespace fedge::sip
