// What flow tokens remember of a peer.
#include "dataplane/signal/sip/peer_hash.h"

#include <gtest/gtest.h>

#include <set>

namespace fedge::signal {
namespace {

using tls::NameKind;
using tls::PeerName;

TEST(PeerHashTest, IsTheSameForTheSameNamesWhoeverAsks) {
    const tls::PeerNames names{{NameKind::dns, "sip.partner.example"}, {NameKind::uri_sip, "partner.example"}};
    EXPECT_EQ(peer_hash(names), peer_hash(tls::PeerNames(names)));
    EXPECT_EQ(peer_hash({{NameKind::dns, "sip.partner.example"}}), 0xa128fe5498e77ab1ULL)
        << "tokens outlive the process that made them";
}

TEST(PeerHashTest, OfNobodyIsNotThatOfAnybody) {
    EXPECT_EQ(peer_hash({}), kNobody);
    EXPECT_GT(peer_hash({{NameKind::dns, ""}}), kGone);
}

TEST(PeerHashTest, TellsNamesApartThatReadAlike) {
    const std::set<uint64_t> different{
        peer_hash({{NameKind::dns, "ab"}, {NameKind::dns, "c"}}),
        peer_hash({{NameKind::dns, "a"}, {NameKind::dns, "bc"}}),
        peer_hash({{NameKind::dns, "abc"}}),
        peer_hash({{NameKind::uri_sip, "abc"}}),
        peer_hash({{NameKind::dns, "c"}, {NameKind::dns, "ab"}}),
        peer_hash({{NameKind::dns, "ab"}}),
    };
    EXPECT_EQ(different.size(), 6U);
}

}  // namespace
}  // namespace fedge::signal
