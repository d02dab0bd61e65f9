// Flow tokens (the idea of RFC 5626 section 5.2): the edge keeps no state for transactions and dialogs; what it must
// know to send a response, or a request within a dialog, back to where it belongs travels with the message and comes
// back. Every node of a pool that has the same keys can read it.
//
// A token is 48 characters of base64url: version, use and side, 1 byte; core, 1; node, 2; connection, 4; its
// generation, 4; peer, 8; time of issue, 4; MAC, 12. The MAC is SipHash-2-4 with 128 bits, cut to 96, over these and a
// context in which alone the token is worth something: the branch of our Via, the Call-ID of the dialog, nothing for
// Path.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/sip/message.h"

namespace fedge::sip {

enum class Side : uint8_t { outside, inside };
inline Side opposite(Side side) {
    return side == Side::outside ? Side::inside : Side::outside;
}

// One connection somewhere in the pool, and who is at its other end, for when it is gone.
struct Flow {
    uint16_t node = 0;
    uint8_t core = 0;
    Side side = Side::outside;
    uint32_t connection = 0;  // slot on its core
    uint32_t generation = 0;  // of the slot
    uint64_t peer = 0;        // of the user's choice: a hash that stands for who it is
    friend bool operator==(const Flow&, const Flow&) = default;
};

enum class TokenUse : uint8_t {
    via,
    record_route,
    path,  // of a registration (RFC 3327, RFC 5626 section 5.1): names no dialog, so its context is empty
};

enum class TokenVerdict : uint8_t {
    good,
    expired,  // of ours, for this context, issued too long ago
    forged,   // anything else: made up, of another context or use, under a key that is gone
};

struct OpenedToken {
    TokenVerdict verdict = TokenVerdict::forged;
    Flow flow;  // unless forged
};

struct FlowTokenSettings {
    std::vector<std::array<uint8_t, 16>> keys;   // newest first; the first signs, all verify; 1 to 8
    std::array<uint8_t, 16> hash_key{};          // of the pool; branches and tags. Lives as long as transactions do
    uint32_t via_lifetime_s = 3600;              // INVITEs ring long
    uint32_t dialog_lifetime_s = 7 * 24 * 3600;  // from the request that began the dialog
    uint32_t path_lifetime_s = 24 * 3600;        // registrations are renewed long before
};

class FlowTokens {
  public:
    static constexpr size_t kTokenSize = 48;
    using Token = std::array<char, kTokenSize>;
    // "z9hG4bK", 16 characters that name the transaction, ".", 11 that name the request as a loop would show it again.
    static constexpr size_t kBranchSize = 7 + 16 + 1 + 11;
    using Branch = std::array<char, kBranchSize>;
    static constexpr size_t kTagSize = 11;
    using Tag = std::array<char, kTagSize>;

    // Throws std::invalid_argument on no key or too many.
    explicit FlowTokens(FlowTokenSettings settings);

    Token issue(TokenUse use, const Flow& flow, std::string_view context, uint64_t unix_now) const;
    OpenedToken open(TokenUse use, std::string_view token, std::string_view context, uint64_t unix_now) const;

    // The branch of our Via for a request that came from this side. CANCEL and the ACK of a refusal get that of their
    // INVITE, and a request that is sent again gets it again (RFC 3261 section 16.11); requests that differ in what
    // decides their way get another second half (section 16.6 step 8).
    Branch branch(const Message& request, Side from) const;
    // One of the request's Vias has the second half that this edge would write now: it went round in a circle (RFC 3261
    // section 16.3 step 4, RFC 5393 section 4.2). Nobody else can make one up, so it does not matter what else is in
    // the Via.
    bool looped(const Message& request, Side from) const;
    // The tag of responses of our own; the same for the same request (section 8.2.7).
    Tag tag(const Message& request) const;

  private:
    using Key = std::array<uint8_t, 16>;
    FlowTokenSettings settings_;
};

// Of a token, a branch, a tag.
template <size_t N>
std::string_view view(const std::array<char, N>& text) {
    return {text.data(), N};
}

}  // namespace fedge::sip
