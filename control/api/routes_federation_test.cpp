// A test of a partner from end to end: policy, DNS, then a connection of the cores; and what the partner would see of
// us.
#include <algorithm>
#include <memory>
#include <optional>

#include "control/api/explain_basis.h"
#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/federation/partner_findings.h"
#include "control/publish/discovery_words.h"
#include "dataplane/tls/names.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

constexpr auto kDnsTime = std::chrono::seconds(5);
constexpr auto kTestTime = std::chrono::seconds(20);
constexpr size_t kMaxText = 1024;
constexpr const char* kTester = "fedge-test";

std::string text(const flatbuffers::String* s) {
    return s ? s->str() : std::string();
}

Json route_json(const discovery::Route& route) {
    Json targets = Json::array(), refused = Json::array();
    for (const auto& target : route.targets) {
        Json addresses = Json::array();
        for (const auto& address : target.addresses) addresses.push_back(address.text());
        targets.push_back({{"host", target.host}, {"port", target.port}, {"addresses", addresses}});
    }
    for (const auto& one : route.refused)
        refused.push_back({{"host", one.host}, {"port", one.port}, {"address", one.address}, {"why", one.why}});
    return {{"outcome", name_of(route.outcome)}, {"code", route.code}, {"reason", route.reason},
            {"validated", route.secure},         {"targets", targets}, {"refused", refused}};
}

// Lives in the callbacks that wait.
class FederationTest : public std::enable_shared_from_this<FederationTest> {
  public:
    FederationTest(Control& control, ExplainQuery query, Reply reply)
        : control_(control), query_(std::move(query)), reply_(std::move(reply)) {
        facts_.domain = query_.to_domain;
        facts_.own.domain = query_.from_domain;
        facts_.own.access_name = control_.config().sip.outside_name;
        facts_.now = control_.time().unix_seconds();
        note_certificate();
    }

    // Ours and theirs are looked up side by side.
    void begin() {
        waiting_ = 2;
        auto now = control_.time().steady();
        discovery::Query own = control_.discovery().usual(query_.from_domain, discovery::Service::sip);
        control_.discovery().look_up(own, now, now + kDnsTime,
                                     [self = shared_from_this()](const discovery::Route& route, discovery::Time) {
                                         self->facts_.own.srv = route;
                                         self->looked_up();
                                     });
        auto basis = explain_basis(control_, query_, false);
        explain(
            basis, query_,
            [self = shared_from_this()](const RouteQuestion& question, std::function<void(RouteAnswer)> done) {
                self->look_up(question, std::move(done));
            },
            [self = shared_from_this(), basis](const Explanation& explanation) { self->decided(explanation); });
    }

  private:
    void look_up(const RouteQuestion& question, std::function<void(RouteAnswer)> done) {
        facts_.via = question.via;
        auto now = control_.time().steady();
        control_.discovery().look_up(
            query_of(question), now, now + kDnsTime,
            [self = shared_from_this(), done = std::move(done)](const discovery::Route& route, discovery::Time) {
                self->facts_.route = route;
                self->asked_ = true;
                RouteAnswer answer;
                answer.finding = finding_of(route.outcome);
                answer.code = route.code;
                answer.reason = route.reason;
                for (const auto& target : route.targets) answer.hosts.push_back(target.host);
                done(std::move(answer));
            });
    }

    void decided(const Explanation& explanation) {
        facts_.accepted = explanation.decision.accepted();
        if (!explanation.steps.empty()) facts_.policy = explanation.steps.back().words;
        const policy::Decision& decision = explanation.decision;
        order_.purpose = decision.purpose;
        if (facts_.accepted) {
            // What policy does not let us connect to is not tested either.
            std::string target(decision.target.view());
            std::erase_if(facts_.route.targets,
                          [&](const auto& one) { return !decision.hop.accepts(one.host, target); });
            order_.proves = decision.proving_domain();
        } else if (facts_.via.empty()) {
            order_.proves = facts_.domain;
        }
        if (asked_) return looked_up();
        // Policy has refused before it came to DNS: what would be there is of interest all the same.
        auto now = control_.time().steady();
        control_.discovery().look_up(control_.discovery().usual(facts_.domain, discovery::Service::sip), now,
                                     now + kDnsTime,
                                     [self = shared_from_this()](const discovery::Route& route, discovery::Time) {
                                         self->facts_.route = route;
                                         self->looked_up();
                                     });
    }

    void looked_up() {
        if (--waiting_ > 0) return;
        for (const auto& target : facts_.route.targets)
            order_.targets.push_back({target.host, target.port, target.addresses});
        if (order_.targets.empty()) return end();
        order_.domain = facts_.domain;
        order_.from = query_.from_user + "@" + query_.from_domain;
        control_.dataplane().test_partner(
            order_, kTestTime, control_.time().steady(),
            [self = shared_from_this()](const contract::PartnerTested* tested, const std::string& error) {
                self->tested(tested, error);
            });
    }

    void tested(const contract::PartnerTested* tested, const std::string& error) {
        facts_.error = tested ? text(tested->error()) : error;
        if (tested && tested->steps())
            for (const auto* step : *tested->steps())
                facts_.steps.push_back(
                    {text(step->name()), text(step->target()), step->good(), text(step->text()), step->took_us()});
        if (tested && tested->peer_names())
            for (const auto* name : *tested->peer_names()) names_.push_back(name->str());
        if (tested && tested->chain())
            for (const auto* one : *tested->chain()) chain_.push_back(one->str());
        end();
    }

    void note_certificate() {
        const std::string& wanted = facts_.own.access_name;
        for (const StoredCertificate& one : control_.certificates().all()) {
            if (one.chain.empty()) continue;
            const CertificateFacts& leaf = one.chain.front();
            if (std::ranges::find(leaf.names, "DNS:" + wanted) == leaf.names.end()) continue;
            facts_.own.certificate = one.name;
            facts_.own.names = leaf.names;
            facts_.own.issuer = leaf.issuer;
            facts_.own.ends = one.ends();
            return;
        }
    }

    void end() {
        Json steps = Json::array(), findings = Json::array();
        for (const TestedStep& step : facts_.steps)
            steps.push_back({{"name", step.name},
                             {"target", step.target},
                             {"good", step.good},
                             {"text", step.text},
                             {"took_us", step.took_us}});
        for (const PartnerFinding& one : partner_findings(facts_))
            findings.push_back({{"side", name_of(one.side)}, {"text", one.text}, {"fix", one.fix}});
        const OwnAppearance& own = facts_.own;
        Json ours{{"domain", own.domain}, {"access_name", own.access_name}, {"certificate", own.certificate},
                  {"names", own.names},   {"issuer", own.issuer},           {"ends", own.ends}};
        if (own.srv) ours["srv"] = route_json(*own.srv);
        Json out{{"domain", facts_.domain},
                 {"from", query_.from_user + "@" + query_.from_domain},
                 {"good", facts_.accepted && reached(facts_)},
                 {"policy", {{"accepted", facts_.accepted}, {"text", facts_.policy}}},
                 {"via", facts_.via},
                 {"dns", route_json(facts_.route)},
                 {"steps", steps},
                 {"peer_names", names_},
                 {"chain", chain_},
                 {"error", facts_.error},
                 {"ours", ours},
                 {"findings", findings}};
        send(reply_, out);
    }

    Control& control_;
    ExplainQuery query_;
    Reply reply_;
    PartnerFacts facts_;
    PartnerTestOrder order_;
    std::vector<std::string> names_, chain_;
    int waiting_ = 0;
    bool asked_ = false;
};

}  // namespace

void get_federation_test(Control& control, const Request& request, Reply reply) {
    ExplainQuery query;
    query.to_domain = query_domain("domain", query_text(request, "domain").substr(0, kMaxText));
    query.to_user = kTester;
    query.from_user = kTester;
    std::string from = query_text(request, "from").substr(0, kMaxText);
    const auto& own = control.config().federation.domains;
    size_t at = from.rfind('@');
    if (at != std::string::npos && at > 0) {
        query.from_user = from.substr(0, at);
        query.from_domain = query_domain("from", from.substr(at + 1));
    } else if (from.empty() && !own.empty()) {
        query.from_domain = own.front();
    } else {
        throw Refusal(
            RefusalKind::invalid,
            {"from", from.empty() ? "there is no domain of ours to test from" : "\"" + from + "\" is no address",
             "give USER@DOMAIN, or set federation.domain"});
    }
    bool plain = std::ranges::all_of(query.from_user, [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("-_.!~*'()&=+$,;?/").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (!plain)
        throw Refusal(RefusalKind::invalid, {"from", "a user of a SIP address does not have such characters",
                                             "give USER@DOMAIN, as alice@example.org"});
    if (control.config().sip.outside_name.empty())
        throw Refusal(RefusalKind::conflict,
                      {"", "SIP is not configured", "set sip.listen and sip.outside-name first"});
    std::make_shared<FederationTest>(control, std::move(query), std::move(reply))->begin();
}

}  // namespace fedge::control::api
