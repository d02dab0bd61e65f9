#include "appliance/cli/commands/all.h"
#include "appliance/cli/providers.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_provider_add(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const Json known = find_provider(session, name);
    if (known.is_object() && true_at(known, "built_in"))
        throw Failure(Exit::refused, "provider " + name + " is built in",
                      "fedge provider enable " + name + ", or give another name");
    if (known.is_object())
        throw Failure(Exit::refused, "there is a provider " + name + " already",
                      "change it with fedge set provider." + name + ".KEY VALUE, or remove it first");
    const std::string head = "provider." + name + ".";
    Json settings = {{head + "proxy", arguments.positional(1)}};
    settings[head + "kind"] = arguments.has("public") ? "public" : "hosting";
    settings[head + "enabled"] = arguments.has("disabled") ? "off" : "on";
    for (const char* option : {"verification", "purpose", "decoration-domain", "decoration-routing-domain"})
        if (arguments.has(option)) settings[head + option] = arguments.text(option);
    for (const char* option : {"capabilities", "decoration-excluded"})
        if (arguments.has(option)) settings[head + option] = separated(arguments.text(option));
    for (const char* option : {"shared-address-space", "hosts-users"})
        if (arguments.has(option)) settings[head + option] = "on";
    return report_edit(session, edit_candidate(session, {{"set", settings}}, {head + "proxy"}));
}

}  // namespace

Command provider_add() {
    return {
        .path = "provider add",
        .summary = "add a hosting or public IM provider, in the candidate",
        .description =
            "A provider is one server that speaks for many domains: those whose SRV records lead to its FQDN.\n"
            "Public instant messaging of its day is built in: skype, messenger, yahoo, aol; see fedge provider list.",
        .positionals = {{"NAME"}, {"FQDN"}},
        .options = {{"public", nullptr, "a public instant messaging provider; without it, a hosting provider"},
                    {"disabled", nullptr, "do not enable it yet"},
                    {"verification", "LEVEL", "always-verifiable (default), always-unverifiable or use-source",
                     Words::verifications},
                    {"purpose", "USAGE", "of its certificate: server-or-client (default), client-strict or sip-domain",
                     Words::purposes},
                    {"shared-address-space", nullptr, "it hosts users of our own domains"},
                    {"hosts-users", nullptr, "... with SIP accounts"},
                    {"capabilities", "LIST", "of a public one: im, presence, audio, video (default: im,presence)"},
                    {"decoration-routing-domain", "DOMAIN", "of a public one: user@d is written user(d)@DOMAIN"},
                    {"decoration-domain", "DOMAIN", "that such addresses carry, if it is another"},
                    {"decoration-excluded", "DOMAINS", "domains of the provider that are written as they are"}},
        .examples = {{"fedge provider add hosted sipfed.hosting.example", "another organisation's hosting"},
                     {"fedge provider add cloud sipfed.cloud.example --shared-address-space --hosts-users",
                      "a cloud with users of our domains"}},
        .run = run_provider_add};
}

}  // namespace fedge::cli
