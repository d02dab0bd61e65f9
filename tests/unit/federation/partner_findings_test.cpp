// What a test of a partner comes to: which side, in which words.
#include "control/federation/partner_findings.h"

#include <gtest/gtest.h>

namespace fedge::control {
namespace {

constexpr int64_t kNow = 1'800'000'000;

PartnerFacts well() {
    PartnerFacts facts;
    facts.domain = "partner.example";
    facts.accepted = true;
    facts.policy = "goes to the partner";
    facts.route.outcome = discovery::Outcome::found;
    facts.steps = {{"connect", "h", true, "", 1},
                   {"tls", "h", true, "", 1},
                   {"certificate", "h", true, "", 1},
                   {"options", "h", true, "200 OK", 1}};
    facts.own.domain = "contoso.com";
    facts.own.access_name = "access.contoso.com";
    facts.own.certificate = "sip";
    facts.own.ends = kNow + 90 * 86400;
    facts.own.srv.emplace();
    facts.own.srv->outcome = discovery::Outcome::found;
    facts.own.srv->targets.push_back({"access.contoso.com", 5061, 0, 0, false, false, {}});
    facts.now = kNow;
    return facts;
}

TEST(PartnerFindings, NoneWhenAllIsWell) {
    EXPECT_TRUE(partner_findings(well()).empty());
    EXPECT_TRUE(reached(well()));
}

TEST(PartnerFindings, EachFaultOnItsSide) {
    struct Case {
        const char* what;
        void (*spoil)(PartnerFacts&);
        AtFault side;
        const char* says;
    };
    auto step = [](const char* name, const char* text) -> std::vector<TestedStep> {
        return {{name, "sip.partner.example 203.0.113.5:5061", false, text, 1}};
    };
    static auto make = step;
    const Case kCases[] = {
        {"policy", [](PartnerFacts& f) { f.accepted = false; }, AtFault::ours, "our policy does not let"},
        {"no records", [](PartnerFacts& f) { f.route.outcome = discovery::Outcome::not_found; }, AtFault::theirs,
         "DNS has nothing for _sipfederationtls._tcp.partner.example"},
        {"no address of a server that is named",
         [](PartnerFacts& f) {
             f.route.outcome = discovery::Outcome::not_found;
             f.via = "sip.partner.example";
         },
         AtFault::theirs, "DNS has nothing for sip.partner.example"},
        {"records that are refused", [](PartnerFacts& f) { f.route.outcome = discovery::Outcome::refused; },
         AtFault::theirs, "may not be used"},
        {"DNS is silent", [](PartnerFacts& f) { f.route.outcome = discovery::Outcome::failed; }, AtFault::network,
         "DNS gives no answer"},
        {"dataplane away", [](PartnerFacts& f) { f.error = "the dataplane is not connected"; }, AtFault::ours,
         "nothing could be tested"},
        {"nobody listens", [](PartnerFacts& f) { f.steps = make("connect", "the connection was refused"); },
         AtFault::network, "203.0.113.5:5061: the connection was refused"},
        {"no address of ours", [](PartnerFacts& f) { f.steps = make("connect", "this edge has no external address"); },
         AtFault::ours, "no external address"},
        {"they do not trust us",
         [](PartnerFacts& f) { f.steps = make("tls", "failed: the peer sent the alert 'unknown CA' (48): ..."); },
         AtFault::theirs, "they do not accept us"},
        {"we do not trust them",
         [](PartnerFacts& f) {
             f.steps =
                 make("certificate",
                      "its certificate was refused: its chain ends at 'x', which is not among our trusted authorities");
         },
         AtFault::ours, "we do not trust their certificate"},
        {"their certificate has expired",
         [](PartnerFacts& f) {
             f.steps = make("certificate", "its certificate was refused: 'x' expired on 2020-01-01");
         },
         AtFault::theirs, "their certificate is not good"},
        {"another name",
         [](PartnerFacts& f) {
             f.steps = make("certificate", "its certificate was refused: it proves dns:x, and not a or b");
         },
         AtFault::theirs, "their certificate is for somebody else: its certificate was refused: it proves dns:x"},
        {"another purpose",
         [](PartnerFacts& f) {
             f.steps = make("certificate",
                            "its certificate was refused: the extended key usage of 'x' is not sipDomain "
                            "(RFC 5924), which our purpose setting demands");
         },
         AtFault::theirs, "their certificate is for another purpose"},
        {"a refusal", [](PartnerFacts& f) { f.steps = make("options", "403 Forbidden"); }, AtFault::theirs,
         "not with a welcome: 403 Forbidden"},
        {"no certificate for our name", [](PartnerFacts& f) { f.own.certificate.clear(); }, AtFault::ours,
         "no certificate of ours has the name access.contoso.com"},
        {"ours has ended", [](PartnerFacts& f) { f.own.ends = kNow; }, AtFault::ours, "has ended"},
        {"ours ends soon", [](PartnerFacts& f) { f.own.ends = kNow + 86400; }, AtFault::ours, "within two weeks"},
        {"we are not found", [](PartnerFacts& f) { f.own.srv->outcome = discovery::Outcome::not_found; }, AtFault::ours,
         "partners who look us up find nothing for contoso.com"},
        {"we are found under another name", [](PartnerFacts& f) { f.own.srv->targets[0].host = "sip.contoso.com"; },
         AtFault::ours, "name sip.contoso.com and not access.contoso.com"},
    };
    for (const Case& one : kCases) {
        PartnerFacts facts = well();
        one.spoil(facts);
        auto findings = partner_findings(facts);
        ASSERT_EQ(findings.size(), 1U) << one.what;
        EXPECT_EQ(findings[0].side, one.side) << one.what;
        EXPECT_NE(findings[0].text.find(one.says), std::string::npos) << one.what << ": " << findings[0].text;
        EXPECT_FALSE(findings[0].fix.empty()) << one.what;
    }
}

}  // namespace
}  // namespace fedge::control
