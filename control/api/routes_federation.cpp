// What federation comes to: explanations and ports.
#include <algorithm>

#include "control/api/explain_basis.h"
#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/federation/core_words.h"
#include "control/federation/explain_json.h"
#include "control/federation/ports.h"
#include "control/publish/discovery_words.h"
#include "control/settings/domain_name.h"

namespace fedge::control::api {
namespace {

constexpr size_t kMaxText = 1024;
constexpr size_t kMaxNames = 64;
constexpr auto kDnsTime = std::chrono::seconds(5);  // for each question; the command line waits for 15

[[noreturn]] void invalid(const char* field, const std::string& what, const std::string& fix) {
    throw Refusal(RefusalKind::invalid, {field, what, fix});
}

std::string text_in(const Request& request, const char* name, const char* otherwise = "") {
    auto found = request.query.find(name);
    std::string text = found == request.query.end() ? otherwise : found->second;
    if (text.size() > kMaxText) invalid(name, std::string(name) + " is too long", "give less than 1024 characters");
    return text;
}

template <typename Value>
Value choice_in(const Request& request, const char* field, const std::vector<std::pair<const char*, Value>>& choices) {
    std::string text = text_in(request, field, choices.front().first);
    std::string known;
    for (const auto& [name, value] : choices) {
        if (text == name) return value;
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    invalid(field, "\"" + text + "\" is unknown", "give one of " + known);
}

std::vector<std::string> list_in(const Request& request, const char* field) {
    std::vector<std::string> out;
    std::string text = text_in(request, field);
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find(',', at), text.size());
        if (end > at) out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (out.size() > kMaxNames) invalid(field, "there are too many", "give 64 at most");
    return out;
}

std::string domain_in(const char* field, const std::string& text) {
    std::string why;
    auto name = domain_name(text, &why);
    if (!name) invalid(field, "\"" + text + "\" " + why, "give a domain such as example.org");
    return *name;
}

void address_in(const Request& request, const char* field, std::string& user, std::string& domain) {
    std::string text = text_in(request, field);
    if (text.starts_with("sip:") || text.starts_with("sips:")) text.erase(0, text.find(':') + 1);
    size_t at = text.rfind('@');
    if (at == std::string::npos || at == 0)
        invalid(field, "\"" + text + "\" is no address", "give USER@DOMAIN, as alice@example.org");
    user = text.substr(0, at);
    domain = domain_in(field, text.substr(at + 1));
}

tls::PeerNames names_in(const Request& request) {
    static const std::vector<std::pair<std::string, tls::NameKind>> kinds = {
        {"dns:", tls::NameKind::dns}, {"sip:", tls::NameKind::uri_sip}, {"cn:", tls::NameKind::common_name}};
    tls::PeerNames names;
    for (std::string text : list_in(request, "cert")) {
        tls::NameKind kind = tls::NameKind::dns;
        for (const auto& [prefix, is] : kinds)
            if (text.starts_with(prefix)) {
                kind = is;
                text.erase(0, prefix.size());
                break;
            }
        bool wildcard = kind == tls::NameKind::dns && text.starts_with("*.");
        std::string name = domain_in("cert", wildcard ? text.substr(2) : text);
        names.push_back({kind, wildcard ? "*." + name : name});
    }
    return names;
}

tls::Usages usages_in(const Request& request) {
    tls::Usages usages;
    for (const std::string& text : list_in(request, "usage")) {
        usages.named = true;
        if (text == "server") {
            usages.server = true;
        } else if (text == "client") {
            usages.client = true;
        } else if (text == "sip-domain") {
            usages.sip_domain = true;
        } else {
            invalid("usage", "\"" + text + "\" is unknown", "give some of server, client, sip-domain");
        }
    }
    return usages;
}

ExplainQuery query_in(const Request& request) {
    ExplainQuery query;
    query.inbound = choice_in<bool>(request, "direction", {{"outbound", false}, {"inbound", true}});
    address_in(request, "from", query.from_user, query.from_domain);
    address_in(request, "to", query.to_user, query.to_domain);
    query.protocol = choice_in<policy::Protocol>(request, "protocol",
                                                 {{"sip", policy::Protocol::sip}, {"xmpp", policy::Protocol::xmpp}});
    using policy::Content;
    query.content = choice_in<Content>(request, "content",
                                       {{"im", Content::im},
                                        {"presence", Content::presence},
                                        {"audio", Content::audio},
                                        {"video", Content::video},
                                        {"session", Content::session}});
    using policy::SourceMark;
    query.mark = choice_in<SourceMark>(
        request, "mark",
        {{"missing", SourceMark::missing}, {"verified", SourceMark::verified}, {"unverified", SourceMark::unverified}});
    query.names = names_in(request);
    query.usages = usages_in(request);
    if (query.inbound && query.names.empty())
        invalid("cert", "what an inbound message may do depends on the certificate of the peer",
                "give the names that it proves: cert=sip.partner.example");
    return query;
}

RouteAnswer answer_of(const discovery::Route& route, const discovery::Health& health) {
    RouteAnswer answer{finding_of(route.outcome), route.code, route.reason, {}, {}, route.secure, route.stale};
    for (const discovery::Target& target : route.targets) {
        std::string text = target.host + ":" + std::to_string(target.port) + " (";
        for (const IpAddress& address : target.addresses) {
            text += (&address == &target.addresses.front() ? "" : ", ") + address.text();
            const discovery::Failure& failure = health.of({address, target.port}).failure;
            if (failure.code) text += ", where it failed last: " + std::to_string(failure.code) + ", " + failure.words;
        }
        answer.targets.push_back(text + ")");
        answer.hosts.push_back(target.host);
    }
    return answer;
}

// Discovery as explanations ask it.
RouteFinder route_finder(Control& control) {
    return [&control](const RouteQuestion& question, std::function<void(RouteAnswer)> done) {
        discovery::Time now = control.time().steady();
        control.discovery().find(query_of(question), now, now + kDnsTime,
                                 [done = std::move(done), &control](const discovery::Route& route, discovery::Time) {
                                     done(answer_of(route, control.discovery().health()));
                                 });
    };
}

// Asks the cores of one name after the other, and replies when all have spoken.
class CoreQuestions : public std::enable_shared_from_this<CoreQuestions> {
  public:
    CoreQuestions(Control& control, std::shared_ptr<ExplainBasis> basis, bool candidate, Reply reply)
        : control_(control), basis_(std::move(basis)), candidate_(candidate), reply_(std::move(reply)) {}

    void ask(std::vector<std::string> names) {
        names_ = std::move(names);
        next();
    }

    Json json;

  private:
    void next() {
        if (names_.empty()) return send(reply_, json);
        std::string name = std::move(names_.front());
        names_.erase(names_.begin());
        control_.dataplane().lookup(
            name, control_.time().steady(),
            [self = shared_from_this(), name](const contract::LookedUp* found, const std::string& error) {
                self->on_words(name, found, error);
            });
    }
    void on_words(const std::string& name, const contract::LookedUp* found, const std::string& error) {
        if (!found) {
            json["cores_error"] = error;
            return send(reply_, json);
        }
        CoreState state{static_cast<uint64_t>(control_.revision()), candidate_, control_.in_force()};
        json["cores"].push_back(
            core_words_json(name, word_of(basis_->view().verdicts, name), core_words(*found), state));
        next();
    }

    Control& control_;
    std::shared_ptr<ExplainBasis> basis_;
    bool candidate_;
    Reply reply_;
    std::vector<std::string> names_;
};

Json row_json(const PortRow& row) {
    Json addresses = Json::array();
    for (const IpAddress& address : row.addresses) addresses.push_back(address.text());
    return {{"role", name_of(row.role)},
            {"side", row.side == Side::external ? "external" : "internal"},
            {"transport", row.udp ? "udp" : "tcp"},
            {"first", row.first},
            {"last", row.last},
            {"direction", row.to_edge ? "in" : "out"},
            {"far", name_of(row.far)},
            {"addresses", addresses},
            {"ports_of", row.source_ports ? "source" : "destination"}};
}

}  // namespace

void get_federation_explain(Control& control, const Request& request, Reply reply) {
    ExplainQuery query = query_in(request);
    bool candidate = text_in(request, "candidate") == "true";
    FederationConfig federation =
        candidate ? compile(control.candidate()).config.federation : control.config().federation;
    std::shared_ptr<ExplainBasis> basis = explain_basis(control, query, candidate);
    std::string edge = federation.access_names.empty() ? "" : federation.access_names.front();
    explain(basis, query, route_finder(control),
            [&control, basis, query, edge, candidate, reply](const Explanation& explanation) {
                auto all = std::make_shared<CoreQuestions>(control, basis, candidate, reply);
                all->json = explanation_json(query, explanation, edge);
                all->ask({query.inbound ? query.from_domain : query.to_domain, user_of(query)});
            });
}

void get_federation_ports(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const PortRow& row : port_rows(control.config())) rows.push_back(row_json(row));
    send(reply, {{"rows", rows}});
}

}  // namespace fedge::control::api
