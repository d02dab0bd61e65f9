// External-access policy: what a user of ours may do with the world. A policy of the user beats that of the site, and
// that the global one. Two locks: the switch of the whole edge only permits; without a policy nobody can use it.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/policy/peer.h"

namespace fedge::policy {

enum class Protocol : uint8_t { sip, xmpp };

// What a message is about, as far as policy cares.
enum class Content : uint8_t {
    im,
    presence,
    audio,
    video,    // with or without audio
    session,  // opens one without saying of what kind
    dialog,   // goes on within a dialog that was let through
    probe,    // OPTIONS
    internal  // never crosses the border: registration, publication, service
};

// A user by the parts of its address, as the message has them.
struct Identity {
    std::string_view user;
    std::string_view domain;
};

enum class PolicyScope : uint8_t { user, site, global };
struct UserAccess {
    contract::Access access = contract::Access::NONE;
    PolicyScope scope = PolicyScope::global;
    std::string_view site;  // of PolicyScope::site
};
// `domain` in lower case. Addresses longer than 512 bytes have no policy of their own.
UserAccess access_of(const View& view, std::string_view user, std::string_view domain);

// The first thing that is missing.
enum class Lack : uint8_t { none, federation, xmpp, public_im, public_av, capability };
// For talking with a partner of this type; `provider` is not null for providers.
Lack lacks(contract::Access access, Protocol protocol, PartnerType type, const Provider* provider, Content content);

// Whether remote users of ours may come in by the edge, and this one: again two locks.
bool may_be_outside(const View& view, std::string_view user, std::string_view domain);

}  // namespace fedge::policy
