#include "control/federation/partner_findings.h"

#include <algorithm>

#include "dataplane/tls/names.h"

namespace fedge::control {
namespace {

constexpr int64_t kSoon = 14 * 86400;

bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

PartnerFinding of_dns(const PartnerFacts& facts) {
    const discovery::Route& route = facts.route;
    std::string what = facts.via.empty() ? "_sipfederationtls._tcp." + facts.domain : facts.via;
    switch (route.outcome) {
        case discovery::Outcome::failed:
            return {AtFault::network, "DNS gives no answer for " + what + ": " + route.reason,
                    "fedge test discovery " + facts.domain + " shows every question; check dns.server"};
        case discovery::Outcome::refused:
            return {AtFault::theirs, "what DNS says of " + what + " may not be used: " + route.reason,
                    "the partner corrects its records, or fedge allow domain " + facts.domain + " --via FQDN"};
        default:
            return {AtFault::theirs, "DNS has nothing for " + what + ": " + route.reason,
                    "the partner publishes the record, or name its server: fedge allow domain " + facts.domain +
                        " --via FQDN"};
    }
}

// Theirs, which we refuse.
PartnerFinding of_certificate(const PartnerFacts& facts, const TestedStep& step, const std::string& where) {
    if (has(step.text, "it proves"))
        return {AtFault::theirs, where + "their certificate is for somebody else: " + step.text,
                "the partner gets a certificate with that name; or, if the names are right, name the server: fedge "
                "allow domain " +
                    facts.domain + " --via FQDN"};
    if (has(step.text, "purpose setting demands"))
        return {AtFault::theirs, where + "their certificate is for another purpose: " + step.text,
                "the partner gets one that has it, or you demand less: fedge allow domain " + facts.domain +
                    " --purpose PURPOSE, provider.NAME.purpose or tls.peer-purpose"};
    if (has(step.text, "not among our trusted authorities"))
        return {AtFault::ours, where + "we do not trust their certificate: " + step.text,
                "if you do: fedge cert trust add NAME --file FILE with their authority"};
    return {AtFault::theirs, where + "their certificate is not good: " + step.text, "the partner renews it"};
}

PartnerFinding of_step(const PartnerFacts& facts, const TestedStep& step) {
    const std::string where = step.target + ": ";
    if (step.name == "connect")
        return {has(step.text, "this edge") ? AtFault::ours : AtFault::network, where + step.text,
                "check firewalls on both sides (fedge ports), and whether the partner's edge runs"};
    if (step.name == "certificate") return of_certificate(facts, step, where);
    if (step.name == "tls") {
        if (has(step.text, "alert"))
            return {AtFault::theirs, where + "they do not accept us: " + step.text,
                    "show them what they see of us; fedge cert show has our chain"};
        return {AtFault::theirs, where + step.text, "ask the partner what its log says"};
    }
    return {AtFault::theirs, where + "they answer, and not with a welcome: " + step.text,
            "ask the partner whether it allows " + facts.own.domain};
}

void judge_ours(const PartnerFacts& facts, std::vector<PartnerFinding>& out) {
    const OwnAppearance& own = facts.own;
    if (own.certificate.empty()) {
        out.push_back({AtFault::ours, "no certificate of ours has the name " + own.access_name,
                       "fedge cert csr NAME " + own.access_name + ", then fedge cert import"});
    } else if (own.ends <= facts.now) {
        out.push_back({AtFault::ours, "our certificate " + own.certificate + " has ended", "fedge cert csr, import"});
    } else if (own.ends - facts.now < kSoon) {
        out.push_back(
            {AtFault::ours, "our certificate " + own.certificate + " ends within two weeks", "fedge cert csr, import"});
    }
    if (!own.srv) return;
    if (own.srv->outcome != discovery::Outcome::found) {
        out.push_back({AtFault::ours, "partners who look us up find nothing for " + own.domain + ": " + own.srv->reason,
                       "publish what fedge dns says"});
        return;
    }
    bool named = std::ranges::any_of(own.srv->targets, [&](const auto& t) { return t.host == own.access_name; });
    if (named) return;
    out.push_back({AtFault::ours,
                   "SRV records of " + own.domain + " name " + own.srv->targets.front().host + " and not " +
                       own.access_name + ", which our certificate proves",
                   "publish what fedge dns says"});
}

}  // namespace

const char* name_of(AtFault side) {
    switch (side) {
        case AtFault::nobody: return "nobody";
        case AtFault::ours: return "ours";
        case AtFault::theirs: return "theirs";
        case AtFault::network: return "network";
    }
    return "";
}

bool reached(const PartnerFacts& facts) {
    return !facts.steps.empty() && facts.steps.back().name == "options" && facts.steps.back().good;
}

std::vector<PartnerFinding> partner_findings(const PartnerFacts& facts) {
    std::vector<PartnerFinding> out;
    if (!facts.accepted)
        out.push_back(
            {AtFault::ours, "our policy does not let messages to " + facts.domain + " out: " + facts.policy,
             "fedge explain federation tells which rule; fedge allow domain " + facts.domain + " would let them out"});
    if (facts.route.outcome != discovery::Outcome::found) out.push_back(of_dns(facts));
    if (!facts.error.empty())
        out.push_back({AtFault::ours, "nothing could be tested: " + facts.error, "fedge show status"});
    for (const TestedStep& step : facts.steps)
        if (!step.good) out.push_back(of_step(facts, step));
    judge_ours(facts, out);
    return out;
}

}  // namespace fedge::control
