#include "dataplane/policy/access.h"

#include <algorithm>
#include <array>

#include "dataplane/policy/text_writer.h"

namespace fedge::policy {
namespace {

using contract::Access;
using contract::Capability;

bool has(Access access, Access flag) {
    return (access & flag) != Access::NONE;
}

bool does(const Provider& provider, Content content) {
    auto can = [&](Capability one) { return (provider.capabilities & one) != Capability::NONE; };
    switch (content) {
        case Content::im: return can(Capability::im);
        case Content::presence: return can(Capability::presence);
        case Content::audio: return can(Capability::audio);
        case Content::video: return can(Capability::video);
        case Content::session: return provider.capabilities != Capability::NONE;
        case Content::dialog:
        case Content::probe: return true;
        case Content::internal: return false;
    }
    return false;
}

Lack lacks_public(Access access, const Provider* provider, Content content) {
    if (!has(access, Access::public_im)) return Lack::public_im;
    if (provider && !does(*provider, content)) return Lack::capability;
    bool media = content == Content::audio || content == Content::video;
    if (media && !has(access, Access::public_im_av)) return Lack::public_av;
    return Lack::none;
}

}  // namespace

UserAccess access_of(const View& view, std::string_view user, std::string_view domain) {
    std::array<char, 512> buffer;
    std::string_view address = join(buffer, {user, "@", domain});
    std::transform(address.begin(), address.end(), buffer.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (auto own = view.verdicts.user(address)) return {*own, PolicyScope::user, {}};
    const InternalDomain* internal = view.config.internal(domain);
    if (!internal) return {view.config.access, PolicyScope::global, {}};
    return {internal->access, internal->site.empty() ? PolicyScope::global : PolicyScope::site, internal->site};
}

Lack lacks(Access access, Protocol protocol, PartnerType type, const Provider* provider, Content content) {
    if (type == PartnerType::public_provider) return lacks_public(access, provider, content);
    if (!has(access, Access::federation)) return Lack::federation;
    if (protocol == Protocol::xmpp && !has(access, Access::xmpp)) return Lack::xmpp;
    return Lack::none;
}

bool may_be_outside(const View& view, std::string_view user, std::string_view domain) {
    return view.config.outside_users && has(access_of(view, user, domain).access, Access::outside);
}

}  // namespace fedge::policy
