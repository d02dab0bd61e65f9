#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

std::string validated(const Json& row) {
    return true_at(row, "validated") ? "validated by DNSSEC" : "not validated";
}

void print_steps(std::ostream& out, const Json& reply) {
    for (const Json& step : reply.value("steps", Json::array())) {
        out << "asked     " << printable(text_or(step, "name", "")) << ' ' << printable(text_or(step, "type", ""))
            << ": " << printable(text_or(step, "result", "")) << ", " << validated(step) << ", TTL "
            << as_seconds("ttl_s")(step) << '\n';
        for (const Json& record : step.value("records", Json::array()))
            out << "            " << printable(value_text(record)) << '\n';
    }
}

void print_refused(std::ostream& out, const Json& reply) {
    for (const Json& refused : reply.value("refused", Json::array())) {
        const std::string address = text_or(refused, "address", "");
        out << "refused   " << printable(text_or(refused, "host", "")) << ":"
            << printable(text_or(refused, "port", ""));
        if (!address.empty()) out << " at " << printable(address);
        out << ": " << printable(text_or(refused, "why", "")) << " (" << printable(text_or(refused, "code", ""))
            << ")\n";
    }
}

void print_targets(std::ostream& out, const Json& reply) {
    size_t number = 0;
    for (const Json& target : reply.value("targets", Json::array())) {
        out << "try " << ++number << "     " << printable(text_or(target, "host", "")) << ":"
            << printable(text_or(target, "port", "")) << ", priority " << printable(text_or(target, "priority", ""))
            << ", weight " << printable(text_or(target, "weight", "")) << ", " << validated(target);
        if (true_at(target, "direct_tls")) out << ", TLS from the first byte";
        out << '\n';
        for (const Json& address : target.value("addresses", Json::array())) {
            out << "            " << printable(text_or(address, "address", ""));
            if (number_or(address, "last_for_s", 0) > 0)
                out << ", tried last for " << as_seconds("last_for_s")(address) << " after "
                    << counted(static_cast<uint64_t>(number_or(address, "failures", 0)), "failure");
            if (const std::string error = text_or(address, "error", ""); !error.empty())
                out << ", the last " << printable(text_or(address, "code", "")) << ": " << printable(error);
            out << '\n';
        }
    }
    for (const Json& tlsa : reply.value("tlsa", Json::array()))
        out << "TLSA      usage " << printable(text_or(tlsa, "usage", "")) << ", selector "
            << printable(text_or(tlsa, "selector", "")) << ", matching type "
            << printable(text_or(tlsa, "matching", "")) << '\n';
}

std::string target_of(const Arguments& arguments) {
    std::string target = "/v1/discovery/test?domain=" + encoded(arguments.positional(0));
    for (const char* option : {"service", "via", "records", "port"}) {
        if (arguments.has(option)) target += std::string("&") + option + "=" + encoded(arguments.text(option));
    }
    if (arguments.has("any-namespace")) target += "&namespace=off";
    return target;
}

Exit run_test_discovery(Session& session, const Arguments& arguments) {
    const Json reply = session.api.get(target_of(arguments));
    const bool found = text_or(reply, "outcome", "") == "found";
    if (session.json) {
        print_json(session.out(), reply);
        return found ? Exit::ok : Exit::refused;
    }
    std::ostream& out = session.out();
    print_steps(out, reply);
    print_refused(out, reply);
    print_targets(out, reply);
    out << "outcome   " << printable(text_or(reply, "outcome", ""));
    if (!found) {
        out << ": " << printable(text_or(reply, "reason", ""));
        if (number_or(reply, "code", 0) > 0) out << " (ms-diagnostics " << printable(text_or(reply, "code", "")) << ")";
    }
    out << "; good for " << as_seconds("keep_s")(reply) << ", took " << as_milliseconds("took_ms")(reply) << '\n';
    return found ? Exit::ok : Exit::refused;
}

}  // namespace

Command test_discovery() {
    return {.path = "test discovery",
            .summary = "look a partner up in DNS at once, and tell every step",
            .description =
                "Asks DNS whatever is remembered: each question with what came back, the targets that are refused and\n"
                "why, and the order in which the others are tried. The edge uses the answer from then on. Ends with 1\n"
                "when there is nowhere to connect to.",
            .positionals = {{"DOMAIN"}},
            .options = {{"service", "NAME", "sip (default), xmpp, or tlsa for the DANE records of a host"},
                        {"via", "FQDN", "a partner's server that is known by name: addresses only, no SRV"},
                        {"records", "MODE", "microsoft-then-sips, microsoft or sips (default: discovery.sip-records)"},
                        {"port", "N", "with --via or tlsa"},
                        {"any-namespace", nullptr, "hosts need not be in the domain's namespace (error 1009)"}},
            .examples = {{"fedge test discovery example.org", "where SIP to example.org would go"},
                         {"fedge test discovery example.org --service xmpp", "the same for XMPP"},
                         {"fedge test discovery example.org --via sip.example.org", "a partner with a known server"},
                         {"fedge test discovery xmpp.example.org --service tlsa --port 5269", "DANE of a server"}},
            .run = run_test_discovery};
}

}  // namespace fedge::cli
