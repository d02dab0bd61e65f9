// Decorated names: how the address of an account in one domain is written so that it goes to a public IM provider.
// alice@contoso.com becomes alice(contoso.com)@msn.com. Domains that the provider knows as its own are not wrapped.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "dataplane/policy/config.h"
#include "dataplane/policy/decision.h"

namespace fedge::policy {

struct Account {
    std::string_view user;
    std::string_view domain;
    friend bool operator==(const Account&, const Account&) = default;
};

inline constexpr size_t kMaxAddress = 640;  // user, brackets and two domains

enum class Decorated : uint8_t {
    unchanged,   // the domain is excluded, the provider's own, or the provider decorates nothing
    wrapped,     // `address` is what goes on the wire
    impossible,  // the user part would be read back as another one, or the whole is too long
};
struct Decoration {
    Decorated result;
    std::string_view address;  // user(domain)@routing-domain in `out`; empty unless wrapped
};
// `account.domain` is an A-label name in lower case. undecorate() of what is wrapped gives `account` back, always.
Decoration decorate(const Provider& provider, Account account, std::span<char> out);

// The account in a decorated address of this provider; nothing if it is not decorated. Views into `address`.
std::optional<Account> undecorate(const Provider& provider, Account address);

// The same for what a decision is about: for cores and explanations alike. Names are decorated towards and from a
// provider that has a domain for it, unless the other side is a user of ours in the provider's house.
bool decorates(const Decision& decision);
// How `user`@target is written on the way out.
Decoration decorate(const Decision& decision, std::string_view user, std::span<char> out);
// The account that `address` stands for, whether it may be shown or not.
std::optional<Account> undecorate(const Decision& decision, Account address);
// Who `user`@source is on the way in. Shown only where the operator has said that the account's domain is at this
// provider; otherwise anybody there could speak in anybody's name.
std::optional<Account> shown_source(const View& view, const Decision& decision, std::string_view user);

}  // namespace fedge::policy
