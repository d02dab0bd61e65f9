// What goes on the wire: codes of ms-diagnostics, the trust header; and that every reason has one.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "dataplane/policy/diagnostics.h"
#include "dataplane/policy/reasons.h"
#include "dataplane/policy/trust_header.h"

namespace fedge::policy {
namespace {

std::string written(uint16_t code, const char* source) {
    std::array<char, 512> buffer;
    return std::string(write_diagnostics(code, source, buffer));
}

TEST(Diagnostics, WireForm) {
    EXPECT_EQ(written(1009, "sip.local.example"),
              "1009;reason=\"SRV and host domains conflict\";source=\"sip.local.example\"");
    EXPECT_EQ(written(1999, "sip.local.example"), "");
    EXPECT_EQ(written(0, "sip.local.example"), "");
    std::array<char, 16> small;
    EXPECT_EQ(write_diagnostics(1009, "sip.local.example", small), "");
}

TEST(Diagnostics, TableIsSortedAndPairsCodesWithResponses) {
    uint16_t last = 0;
    for (const Diagnostic& one : diagnostics()) {
        EXPECT_LT(last, one.code);
        last = one.code;
        EXPECT_EQ(diagnostic(one.code), &one);
        EXPECT_EQ(one.text.find('"'), std::string_view::npos);
    }
    // The usual pairs.
    for (uint16_t code : {1008, 1009, 1010, 1046, 1047}) EXPECT_EQ(diagnostic(code)->status, 504) << code;
    for (uint16_t code : {1002, 1012}) EXPECT_EQ(diagnostic(code)->status, 403) << code;
    for (uint16_t code : {1003, 1005}) EXPECT_EQ(diagnostic(code)->status, 404) << code;
    for (uint16_t code : {1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010,  1011,
                          1012, 1013, 1014, 1027, 1033, 1034, 1035, 1036, 1046, 1047, 16000, 16001})
        EXPECT_NE(diagnostic(code), nullptr) << code;
}

TEST(Reasons, EveryRefusalHasAResponse) {
    std::set<std::string_view> names;
    for (size_t i = 0; i < kReasons; i++) {
        const ReasonFacts& one = facts(static_cast<Reason>(i));
        EXPECT_TRUE(names.insert(one.name).second) << one.name;
        EXPECT_FALSE(one.words.empty()) << one.name;
        EXPECT_FALSE(name(one.step).empty()) << one.name;
        EXPECT_TRUE(one.code == 0 || diagnostic(one.code)) << one.name;
        bool refused = one.outcome == Outcome::refuse || one.outcome == Outcome::drop;
        EXPECT_EQ(one.status != 0, refused) << one.name;
        if (!refused) {
            EXPECT_EQ(counter_of(static_cast<Reason>(i)), contract::Counter::policy_delivered) << one.name;
        } else {
            EXPECT_NE(counter_of(static_cast<Reason>(i)), contract::Counter::policy_delivered) << one.name;
        }
    }
    EXPECT_EQ(facts(Reason::out_namespace).code, 1009);
    EXPECT_EQ(facts(Reason::out_namespace).status, 504);
    EXPECT_EQ(number(Step::blocked), 7u);
    EXPECT_EQ(number(Step::out_blocked), 2u);
}

TEST(TrustHeader, OneTextForEachType) {
    struct Case {
        PartnerType type;
        bool verified;
        const char* value;
    };
    const Case cases[] = {
        {PartnerType::allowed, true,
         "ms-source-type=AutoFederation;ms-ep-fqdn=sip.local.example;ms-source-verified-user=verified;ms-source-"
         "network=federation"},
        {PartnerType::discovered, false,
         "ms-source-type=AutoFederation;ms-ep-fqdn=sip.local.example;ms-source-verified-user=unverified;ms-source-"
         "network=federation"},
        {PartnerType::direct, true,
         "ms-source-type=DirectPartner;ms-ep-fqdn=sip.local.example;ms-source-verified-user=verified;ms-source-network="
         "federation"},
        {PartnerType::hosting_provider, true,
         "ms-source-type=AuthorizedServer;ms-ep-fqdn=sip.local.example;ms-source-verified-user=verified;ms-source-"
         "network=federation"},
        {PartnerType::public_provider, false,
         "ms-source-type=AuthorizedServer;ms-ep-fqdn=sip.local.example;ms-source-verified-user=unverified;ms-source-"
         "network=publiccloud"},
        {PartnerType::default_route, true,
         "ms-source-type=ClearingHouse;ms-ep-fqdn=sip.local.example;ms-source-verified-user=verified;ms-source-network="
         "federation"},
        {PartnerType::none, true, ""},
    };
    std::array<char, 512> buffer;
    for (const Case& one : cases)
        EXPECT_EQ(write_trust(one.type, one.verified, "sip.local.example", buffer), one.value);
    std::array<char, 16> small;
    EXPECT_EQ(write_trust(PartnerType::allowed, true, "sip.local.example", small), "");
}

TEST(TrustClass, Labels) {
    EXPECT_EQ(name(trust_of(PartnerType::direct)), "DirectPartner");
    EXPECT_EQ(name(trust_of(PartnerType::allowed)), "AutoFed");
    EXPECT_EQ(name(trust_of(PartnerType::discovered)), "AutoFed");
    EXPECT_EQ(name(trust_of(PartnerType::hosting_provider)), "AuthorizedServer");
    EXPECT_EQ(name(trust_of(PartnerType::public_provider)), "AuthorizedServer");
    EXPECT_EQ(name(trust_of(PartnerType::default_route)), "ClearingHouse");
}

}  // namespace
}  // namespace fedge::policy
