#include "dataplane/sip/routing.h"

#include <algorithm>
#include <optional>

#include "dataplane/sip/text_writer.h"

namespace fedge::sip {
namespace {

// Nobody waits for an answer (RFC 3261 section 17.1.1.3; [MS-SIP] section 2.2.4).
bool is_answered(const Message& request) {
    return request.method() != Method::ack && request.method() != Method::benotify;
}

bool supported(std::string_view tag, const Site& site) {
    return std::ranges::any_of(site.proxy_extensions, [&](std::string_view known) { return equal_nocase(known, tag); });
}

RouteFault check_proxy_require(const Message& request, const Site& site) {
    Values tags{request, HeaderId::proxy_require};
    while (auto tag = tags.next())
        if (!supported(*tag, site)) return RouteFault::bad_extension;
    return tags.ok() ? RouteFault::none : RouteFault::bad_extension;
}

// RFC 5393 section 5.3.3. This proxy does not fork: what breadth there is goes on as it is.
RouteFault check_breadth(const Message& request) {
    const Field* field = request.first(HeaderId::max_breadth);
    if (!field) return RouteFault::none;
    auto breadth = parse_number(request.value(*field), UINT32_MAX);
    if (!breadth) return RouteFault::bad_breadth;
    return *breadth == 0 ? RouteFault::too_broad : RouteFault::none;
}

// Requests that begin a dialog, and those in which one shows itself first (RFC 6665 section 4.1.2.4: NOTIFY may come
// before the response to SUBSCRIBE, with the route set that counts).
bool begins_dialog(const Message& request) {
    switch (request.method()) {
        case Method::invite:
        case Method::subscribe:
        case Method::refer: return request.to().tag.empty();
        case Method::notify:
        case Method::benotify: return true;
        default: return false;
    }
}

NextHop hop_of(const Uri& uri) {
    return {uri.host, uri.port, uri.scheme == Scheme::sips};
}

// The request on its way through section 16.4: Routes of ours are taken off, with what is signed in them.
struct Preprocessed {
    RouteFault fault = RouteFault::none;
    std::optional<Flow> onward;  // a connection on the other side
    bool signed_here = false;
    uint8_t own_routes = 0;
    bool restores_target = false;
    std::optional<Uri> next;  // the first Route that remains
    Uri target;               // Request-URI, restored if need be
};

class Preprocessing {
  public:
    Preprocessing(const Message& request, const Flow& from, const Site& site, const FlowTokens& tokens, uint64_t now)
        : request_(request), from_(from), site_(site), tokens_(tokens), now_(now) {}

    Preprocessed run() {
        out_.target = request_.request_uri();
        size_t count = count_routes();
        // Section 16.4: a strict router put our Record-Route where the target belongs.
        if (count > 0 && is_own(out_.target) && !out_.target.user.empty() && out_.target.loose_router()) {
            if (!read_token(out_.target)) return out_;
            out_.restores_target = true;
            out_.target = last_;
            count--;
        }
        Values routes{request_, HeaderId::route};
        for (size_t i = 0; i < count; i++) {
            Uri uri = Address::parse(*routes.next())->uri;
            if (!is_own(uri)) {
                out_.next = uri;
                return out_;
            }
            if (!uri.user.empty() && !read_token(uri)) return out_;
            out_.own_routes++;
        }
        return out_;
    }

  private:
    bool is_own(const Uri& uri) const { return uri.is_sip() && site_.is_own(uri.host, uri.port); }

    size_t count_routes() {
        size_t count = 0;
        Values routes{request_, HeaderId::route};
        while (auto route = routes.next()) {
            last_ = Address::parse(*route)->uri;
            count++;
        }
        return count;
    }

    bool read_token(const Uri& uri) {
        OpenedToken token = tokens_.open(TokenUse::record_route, uri.user, request_.call_id(), now_);
        // The registrar inside sends along the Path of a registration; nobody outside has use for one.
        bool path = token.verdict == TokenVerdict::forged && from_.side == Side::inside;
        if (path) token = tokens_.open(TokenUse::path, uri.user, {}, now_);
        if (token.verdict != TokenVerdict::good) {
            out_.fault = RouteFault::invalid_route;
            return false;
        }
        out_.signed_here |= !path;
        if (token.flow.side != from_.side) out_.onward = token.flow;
        return true;
    }

    const Message& request_;
    const Flow& from_;
    const Site& site_;
    const FlowTokens& tokens_;
    uint64_t now_;
    Uri last_;
    Preprocessed out_;
};

// From outside, a Record-Route with our name is ours or a trap for the requests that will follow it.
RouteFault check_record_routes(const Message& request, const Site& site, const FlowTokens& tokens, uint64_t now) {
    Values values{request, HeaderId::record_route};
    while (auto value = values.next()) {
        Uri uri = Address::parse(*value)->uri;
        if (!uri.is_sip() || !site.is_own(uri.host, uri.port)) continue;
        if (tokens.open(TokenUse::record_route, uri.user, request.call_id(), now).verdict != TokenVerdict::good)
            return RouteFault::forged_record_route;
    }
    return RouteFault::none;
}

// Section 16.3, in its order, behind syntax.
RouteFault validate(const Message& request, const Flow& from, const Site& site, const FlowTokens& tokens,
                    uint64_t now) {
    if (!request.request_uri().is_sip()) return RouteFault::unsupported_scheme;
    if (request.max_forwards() == 0) return RouteFault::too_many_hops;
    if (tokens.looped(request, from.side)) return RouteFault::looped;
    if (RouteFault fault = check_breadth(request); fault != RouteFault::none) return fault;
    if (RouteFault fault = check_proxy_require(request, site); fault != RouteFault::none) return fault;
    return from.side == Side::outside ? check_record_routes(request, site, tokens, now) : RouteFault::none;
}

}  // namespace

std::string_view name(RouteFault fault) {
    switch (fault) {
        case RouteFault::none: return "none";
        case RouteFault::unsupported_scheme: return "URI scheme not supported";
        case RouteFault::too_many_hops: return "Max-Forwards used up";
        case RouteFault::looped: return "request loops";
        case RouteFault::too_broad: return "Max-Breadth used up";
        case RouteFault::bad_breadth: return "malformed Max-Breadth";
        case RouteFault::bad_extension: return "Proxy-Require not supported";
        case RouteFault::forged_record_route: return "Record-Route in the name of this edge";
        case RouteFault::invalid_route: return "Route set no longer valid";
        case RouteFault::foreign_route: return "Route to elsewhere";
        case RouteFault::foreign_target: return "target domain not served";
        case RouteFault::internal_target: return "target domain is inside";
        case RouteFault::own_target: return "target is this edge";
        case RouteFault::foreign_via: return "response to somebody else";
        case RouteFault::invalid_via: return "response to no request of this edge";
        case RouteFault::wrong_side: return "response from the side of the request";
    }
    return "unknown";
}

uint16_t status(RouteFault fault) {
    switch (fault) {
        case RouteFault::unsupported_scheme: return 416;
        case RouteFault::too_many_hops: return 483;
        case RouteFault::looped:
        case RouteFault::own_target: return 482;
        case RouteFault::too_broad: return 440;
        case RouteFault::bad_breadth:
        case RouteFault::forged_record_route: return 400;
        case RouteFault::bad_extension: return 420;
        case RouteFault::invalid_route: return 481;
        case RouteFault::foreign_route: return 403;
        case RouteFault::foreign_target:
        case RouteFault::internal_target: return 404;
        default: return 0;
    }
}

uint32_t diagnostics(RouteFault fault) {
    switch (fault) {
        case RouteFault::invalid_route: return 1004;
        case RouteFault::foreign_route:
        case RouteFault::foreign_target:
        case RouteFault::internal_target: return 1005;
        default: return 0;
    }
}

bool Site::is_own(std::string_view host, uint16_t port) const {
    return std::ranges::any_of(sides, [&](const Names& names) {
        return (port == 0 || port == names.port || port == names.other_port) &&
               std::ranges::any_of(names.hosts, [&](std::string_view own) { return same_host(own, host); });
    });
}

RequestRoute route_request(const Message& request, const Flow& from, const Site& site, const FlowTokens& tokens,
                           uint64_t unix_now) {
    RequestRoute out;
    auto refuse = [&](RouteFault fault) {
        out.action = is_answered(request) ? Action::answer : Action::discard;
        out.fault = fault;
        out.status = status(fault);
        return out;
    };
    const Uri& asked = request.request_uri();
    bool to_us = asked.is_sip() && asked.user.empty() && site.is_own(asked.host, asked.port);
    // The health of this edge is asked for, also with Max-Forwards: 0 (section 11.1).
    if (request.method() == Method::options && to_us && !request.has(HeaderId::route)) {
        out.status = 200;
        return out;
    }
    if (RouteFault fault = validate(request, from, site, tokens, unix_now); fault != RouteFault::none)
        return refuse(fault);
    Preprocessed p = Preprocessing{request, from, site, tokens, unix_now}.run();
    if (p.fault != RouteFault::none) return refuse(p.fault);
    if (!p.target.is_sip()) return refuse(RouteFault::unsupported_scheme);

    out.own_routes = p.own_routes;
    out.restores_target = p.restores_target;
    if (p.restores_target) out.request_uri = p.target.text;
    out.in_dialog = p.signed_here;
    out.max_forwards = request.max_forwards() ? static_cast<uint8_t>(*request.max_forwards() - 1) : 70;
    out.adds_breadth = !request.has(HeaderId::max_breadth);
    out.record_route = begins_dialog(request);
    // Within a dialog the Request-URI is the peer's Contact, which may be any address; its domain stands in To.
    out.domain = request.to().tag.empty() || !request.to().uri.is_sip() ? p.target.host : request.to().uri.host;

    if (p.onward) {
        out.action = Action::flow;
        out.flow = *p.onward;
    } else if (from.side == Side::outside && p.next) {
        // The rest of the route set of a dialog that passed through from partner to partner.
        if (!site.transit || !p.signed_here) return refuse(RouteFault::foreign_route);
        out.action = Action::domain;
    } else if (!p.next && site.is_own(p.target.host, p.target.port)) {
        return refuse(RouteFault::own_target);
    } else if (from.side == Side::outside) {
        if (!site.domains->is_internal(p.target.host)) return refuse(RouteFault::foreign_target);
        out.action = Action::inside;
        return out;
    } else {
        if (!p.next && site.domains->is_internal(p.target.host)) return refuse(RouteFault::internal_target);
        out.action = Action::domain;
    }
    if (p.next) {
        out.hop = hop_of(*p.next);
        // Section 16.6 step 6.
        if (!p.next->loose_router()) {
            out.strict_next = true;
            out.target = p.target.text;
            out.request_uri = p.next->text;
        }
    } else if (out.action == Action::flow) {
        out.hop = hop_of(p.target);
    }
    return out;
}

ResponseRoute route_response(const Message& response, const Flow& from, const Site& site, const FlowTokens& tokens,
                             uint64_t unix_now) {
    const Via& via = response.via();
    if (!site.is_own(via.host, via.port)) return {Action::discard, RouteFault::foreign_via, {}};
    auto token = via.param(kFlowParameter);
    if (!token && response.vias() == 1) return {Action::local, RouteFault::none, {}};
    OpenedToken opened = tokens.open(TokenUse::via, token.value_or(""), via.branch, unix_now);
    if (opened.verdict != TokenVerdict::good || response.vias() < 2)
        return {Action::discard, RouteFault::invalid_via, {}};
    // A clearing house has partners on both sides; remote users, who have proved nothing, have only the inside.
    bool passed_through = site.transit && opened.flow.peer != 0;
    if (from.side == Side::outside && opened.flow.side == Side::outside && !passed_through)
        return {Action::discard, RouteFault::wrong_side, {}};
    return {Action::flow, RouteFault::none, opened.flow};
}

size_t write_unsupported(const Message& request, const Site& site, MutableBytes out) {
    TextWriter w{out};
    Values tags{request, HeaderId::proxy_require};
    while (auto tag = tags.next()) {
        if (supported(*tag, site)) continue;
        w << (w.size() == 0 ? "" : ", ") << *tag;
    }
    return w.ok() ? w.size() : 0;
}

}  // namespace fedge::sip
