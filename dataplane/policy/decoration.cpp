#include "dataplane/policy/decoration.h"

#include <algorithm>

#include "dataplane/policy/names.h"
#include "dataplane/policy/partner.h"
#include "dataplane/policy/text_writer.h"

namespace fedge::policy {
namespace {

bool is_own(const Provider& provider, std::string_view domain) {
    return domain == provider.decoration_domain || domain == provider.decoration_routing_domain ||
           std::any_of(provider.decoration_excluded.begin(), provider.decoration_excluded.end(),
                       [&](const std::string& excluded) { return excluded == domain; });
}

}  // namespace

Decoration decorate(const Provider& provider, Account account, std::span<char> out) {
    if (provider.decoration_domain.empty() || is_own(provider, account.domain)) return {Decorated::unchanged, {}};
    auto domain = Domain::parse(account.domain);
    if (account.user.empty() || !domain || domain->view() != account.domain) return {Decorated::impossible, {}};
    // The last bracket opens the domain when it is read back, so the user may have brackets of its own.
    std::string_view address = join(out.first(std::min(out.size(), kMaxAddress)),
                                    {account.user, "(", account.domain, ")@", provider.decoration_domain});
    if (address.empty()) return {Decorated::impossible, {}};
    return {Decorated::wrapped, address};
}

std::optional<Account> undecorate(const Provider& provider, Account address) {
    if (provider.decoration_domain.empty() || address.domain != provider.decoration_domain) return {};
    if (!address.user.ends_with(')')) return {};
    size_t bracket = address.user.rfind('(');
    if (bracket == std::string_view::npos || bracket == 0) return {};
    Account account{address.user.substr(0, bracket),
                    address.user.substr(bracket + 1, address.user.size() - bracket - 2)};
    auto domain = Domain::parse(account.domain);
    if (!domain || domain->view() != account.domain || is_own(provider, account.domain)) return {};
    return account;
}

bool decorates(const Decision& decision) {
    return decision.provider && !decision.provider->decoration_domain.empty() && !decision.shared_address_space;
}

Decoration decorate(const Decision& decision, std::string_view user, std::span<char> out) {
    if (!decorates(decision)) return {Decorated::unchanged, {}};
    return decorate(*decision.provider, {user, decision.target.view()}, out);
}

std::optional<Account> undecorate(const Decision& decision, Account address) {
    if (!decorates(decision)) return {};
    return undecorate(*decision.provider, address);
}

std::optional<Account> shown_source(const View& view, const Decision& decision, std::string_view user) {
    auto account = undecorate(decision, {user, decision.source.view()});
    if (!account || look_up(view, account->domain).verdict.via != decision.provider->proxy) return {};
    return account;
}

}  // namespace fedge::policy
