#include "control/federation/explain_json.h"

#include <array>

#include "dataplane/policy/diagnostics.h"
#include "dataplane/policy/trust_header.h"

namespace fedge::control {
namespace {

using api::Json;

std::string result_of(const ExplainedStep& step, const policy::Decision& decision) {
    switch (step.mark) {
        case policy::Trace::Mark::passed: return "passed";
        case policy::Trace::Mark::asks: return "asked";
        case policy::Trace::Mark::ended: return std::string(policy::name(decision.outcome));
    }
    return "";
}

// What a peer is told; what is dropped gets no answer, and shows only in our log.
Json wire_json(const policy::Decision& decision, const std::string& edge) {
    const policy::ReasonFacts& facts = policy::facts(decision.reason);
    std::array<char, 768> buffer;
    Json out{{"sent", decision.outcome == policy::Outcome::refuse}, {"status", facts.status}, {"code", facts.code}};
    if (const policy::Diagnostic* known = policy::diagnostic(facts.code)) {
        out["text"] = known->text;
        if (!edge.empty()) out["header"] = policy::write_diagnostics(facts.code, edge, buffer);
    }
    return out;
}

Json hop_json(const Explanation& explanation) {
    const policy::Decision& decision = explanation.decision;
    Json out;
    switch (decision.hop.kind) {
        case policy::HopKind::none: return nullptr;
        case policy::HopKind::server: out["kind"] = "configured server"; break;
        case policy::HopKind::default_route: out["kind"] = "default route"; break;
        case policy::HopKind::provider: out["kind"] = "provider"; break;
        case policy::HopKind::targets: out["kind"] = "SRV targets"; break;
    }
    if (!decision.hop.host.empty()) out["host"] = decision.hop.host;
    out["targets"] = Json::array();
    const RouteAnswer& route = explanation.route;
    for (size_t i = 0; i < route.hosts.size() && i < route.targets.size(); i++)
        if (decision.hop.accepts(route.hosts[i], decision.target.view())) out["targets"].push_back(route.targets[i]);
    return out;
}

}  // namespace

Json explanation_json(const ExplainQuery& query, const Explanation& explanation, const std::string& edge) {
    const policy::Decision& decision = explanation.decision;
    Json steps = Json::array();
    for (const ExplainedStep& step : explanation.steps)
        steps.push_back({{"step", policy::number(step.step)},
                         {"name", policy::name(step.step)},
                         {"result", result_of(step, decision)},
                         {"why", step.words}});
    const policy::ReasonFacts& facts = policy::facts(decision.reason);
    Json out{{"direction", query.inbound ? "inbound" : "outbound"},
             {"from", query.from_user + "@" + query.from_domain},
             {"to", query.to_user + "@" + query.to_domain},
             {"steps", steps},
             {"allowed", decision.accepted()},
             {"verdict", policy::name(decision.outcome)},
             {"reason", facts.name},
             {"why", facts.words},
             {"step", policy::number(decision.step())},
             {"rule", policy::words(decision.rule)},
             {"partner", policy::name(decision.type)},
             {"trust", policy::name(decision.trust())},
             {"verified", decision.verified},
             {"monitored", decision.monitored}};
    if (!decision.accepted()) out["wire"] = wire_json(decision, edge);
    if (decision.provider) out["provider"] = decision.provider->name;
    if (!explanation.decorated.empty()) out["decorated"] = explanation.decorated;
    if (explanation.cannot_be_decorated)
        out["decorated_problem"] = "the address cannot be written for this provider: it is refused with 404";
    if (!query.inbound && decision.accepted()) out["next_hop"] = hop_json(explanation);
    bool delivered = query.inbound && decision.accepted() && decision.outcome != policy::Outcome::forward;
    if (delivered && !edge.empty()) {
        std::array<char, 768> buffer;
        out["header"] = std::string(policy::kTrustHeader) + ": " +
                        std::string(policy::write_trust(decision.type, decision.verified, edge, buffer));
    }
    return out;
}

}  // namespace fedge::control
