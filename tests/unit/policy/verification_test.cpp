// Verification levels: three levels, every kind of partner, with and without a word in the message.
#include "dataplane/policy/verification.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/world.h"

namespace fedge::policy {
namespace {

using namespace test;

TEST(Verification, Table) {
    using Level = Verification;
    using Type = PartnerType;
    using Mark = SourceMark;
    struct Case {
        Level level;
        Type type;
        Verified missing, verified, unverified;
    };
    constexpr Verified yes = Verified::yes, no = Verified::no, rejected = Verified::rejected;
    const Case cases[] = {
        {Level::always_verifiable, Type::direct, yes, yes, yes},
        {Level::always_verifiable, Type::allowed, yes, yes, yes},
        {Level::always_verifiable, Type::discovered, yes, yes, yes},
        {Level::always_verifiable, Type::hosting_provider, yes, yes, yes},
        {Level::always_verifiable, Type::public_provider, yes, yes, yes},
        {Level::always_verifiable, Type::default_route, yes, yes, yes},
        {Level::always_unverifiable, Type::direct, no, no, no},
        {Level::always_unverifiable, Type::allowed, no, no, no},
        {Level::always_unverifiable, Type::discovered, no, no, no},
        {Level::always_unverifiable, Type::hosting_provider, no, no, no},
        {Level::always_unverifiable, Type::public_provider, no, no, no},
        {Level::always_unverifiable, Type::default_route, no, no, no},
        {Level::use_source, Type::direct, rejected, yes, no},
        {Level::use_source, Type::allowed, rejected, yes, no},
        {Level::use_source, Type::discovered, no, yes, no},
        {Level::use_source, Type::hosting_provider, rejected, yes, no},
        {Level::use_source, Type::public_provider, rejected, yes, no},
        {Level::use_source, Type::default_route, no, yes, no},
    };
    for (const Case& one : cases) {
        std::string what = std::string(name(one.level)) + ", " + std::string(name(one.type));
        EXPECT_EQ(verify(one.level, one.type, Mark::missing), one.missing) << what;
        EXPECT_EQ(verify(one.level, one.type, Mark::verified), one.verified) << what;
        EXPECT_EQ(verify(one.level, one.type, Mark::unverified), one.unverified) << what;
    }
}

// Each kind of partner has its level from where the operator says it.
TEST(Verification, WhoseLevelCounts) {
    struct Case {
        const char* title;
        void (*arrange)(World&, Verification);
        tls::PeerNames names;
        const char* from;
    };
    const Case cases[] = {
        {"direct partner", [](World& w, Verification v) { w.allow("a.example", "edge.example", v); },
         dns({"edge.example"}), "a.example"},
        {"allowed domain",
         [](World& w, Verification v) {
             w.allow("a.example", "", v);
             w.found("a.example", {"a.example"});
         },
         dns({"a.example"}), "a.example"},
        {"discovered partner",
         [](World& w, Verification v) {
             w.federation.discovery = true;
             w.federation.discovered_verification = v;
             w.found("a.example", {"a.example"});
         },
         dns({"a.example"}), "a.example"},
        {"provider",
         [](World& w, Verification v) {
             w.add_provider("P", "p.example").verification = v;
             w.found("a.example", {"p.example"});
         },
         dns({"p.example"}), "a.example"},
        {"default route",
         [](World& w, Verification v) {
             w.federation.default_route = "d.example";
             w.federation.default_route_verification = v;
         },
         dns({"d.example"}), "a.example"},
    };
    for (const Case& one : cases)
        for (SourceMark mark : {SourceMark::missing, SourceMark::verified, SourceMark::unverified})
            for (Verification level :
                 {Verification::always_verifiable, Verification::always_unverifiable, Verification::use_source}) {
                World world;
                one.arrange(world, level);
                Decision decision = world.in(one.names, message(one.from, "local.example", Content::im, mark));
                Verified expected = verify(level, decision.type, mark);
                EXPECT_EQ(decision.accepted(), expected != Verified::rejected) << one.title;
                if (!decision.accepted()) {
                    EXPECT_EQ(decision.reason, Reason::unverified_source) << one.title;
                } else {
                    EXPECT_EQ(decision.verified, expected == Verified::yes) << one.title;
                    EXPECT_EQ(decision.outcome,
                              expected == Verified::yes ? Outcome::deliver : Outcome::deliver_to_contacts)
                        << one.title;
                }
            }
}

TEST(Purpose, ThreeSettingsAgainstRealKindsOfCertificates) {
    struct Case {
        const char* title;
        Usages usages;
        bool server_or_client, strict_from, strict_to, sip;
    };
    const Case cases[] = {
        {"no extended key usage", {}, true, false, false, false},
        {"serverAuth", {true, true, false, false, false}, true, false, true, false},
        {"clientAuth", {true, false, true, false, false}, true, true, false, false},
        {"both", {true, true, true, false, false}, true, true, true, false},
        {"sipDomain", {true, false, false, false, true}, false, false, false, true},
        {"sipDomain and serverAuth", {true, true, false, false, true}, true, false, true, true},
        {"any", {true, false, false, true, false}, true, false, false, false},
        {"something else", {true, false, false, false, false}, false, false, false, false},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(fits(one.usages, Purpose::server_or_client, true), one.server_or_client) << one.title;
        EXPECT_EQ(fits(one.usages, Purpose::client_strict, true), one.strict_from) << one.title;
        EXPECT_EQ(fits(one.usages, Purpose::client_strict, false), one.strict_to) << one.title;
        EXPECT_EQ(fits(one.usages, Purpose::sip_domain, true), one.sip) << one.title;
    }
}

}  // namespace
}  // namespace fedge::policy
