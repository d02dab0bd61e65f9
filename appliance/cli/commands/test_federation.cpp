#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

constexpr size_t kStepColumn = 12;

std::string targets_of(const Json& route) {
    std::string out;
    for (const Json& target : route.value("targets", Json::array())) {
        out += (out.empty() ? "" : "; ") + text_or(target, "host", "") + ":" + text_or(target, "port", "") + " at " +
               value_text(target.value("addresses", Json::array()));
    }
    return out.empty() ? text_or(route, "reason", text_or(route, "outcome", "")) : out;
}

void print_test_steps(std::ostream& out, const Json& reply) {
    print_pair(out, kStepColumn, "policy",
               (true_at(reply.value("policy", Json::object()), "accepted") ? "good  " : "BAD   ") +
                   text_or(reply.value("policy", Json::object()), "text", ""));
    const Json dns = reply.value("dns", Json::object());
    print_pair(out, kStepColumn, "dns",
               (text_or(dns, "outcome", "") == "found" ? "good  " : "BAD   ") + targets_of(dns));
    for (const Json& step : reply.value("steps", Json::array()))
        print_pair(out, kStepColumn, text_or(step, "name", ""),
                   (true_at(step, "good") ? "good  " : "BAD   ") + text_or(step, "target", "") + ": " +
                       text_or(step, "text", "") + " (" + decimal(number_or(step, "took_us", 0) / 1000, 1) + " ms)");
    if (const std::string error = text_or(reply, "error", ""); !error.empty())
        print_pair(out, kStepColumn, "test", "BAD   " + error);
}

void print_appearances(std::ostream& out, const Json& reply) {
    if (const Json names = reply.value("peer_names", Json::array()); !names.empty())
        print_pair(out, kStepColumn, "they show", value_text(names));
    for (const Json& one : reply.value("chain", Json::array())) print_pair(out, kStepColumn, "", value_text(one));
    const Json ours = reply.value("ours", Json::object());
    const std::string certificate = text_or(ours, "certificate", "");
    print_pair(out, kStepColumn, "they see",
               certificate.empty()
                   ? "no certificate of ours that names " + text_or(ours, "access_name", "")
                   : value_text(ours.value("names", Json::array())) + ", issued by " + text_or(ours, "issuer", "") +
                         ", good until " + utc_text(static_cast<int64_t>(number_or(ours, "ends", 0))) +
                         " (certificate " + certificate + ")");
    if (ours.contains("srv"))
        print_pair(out, kStepColumn, "",
                   "SRV of " + text_or(ours, "domain", "") + ": " + targets_of(ours.value("srv", Json::object())));
}

void print_findings(std::ostream& out, const Json& findings) {
    size_t number = 0;
    for (const Json& finding : findings) {
        const std::string side = text_or(finding, "side", "");
        const std::string where = side == "ours" ? "our side" : side == "theirs" ? "their side" : "the network";
        out << '\n';
        print_pair(out, kStepColumn, "finding " + std::to_string(++number),
                   where + ": " + text_or(finding, "text", ""));
        if (const std::string fix = text_or(finding, "fix", ""); !fix.empty())
            print_pair(out, kStepColumn, "  fix", fix);
    }
}

Exit run_test_federation(Session& session, const Arguments& arguments) {
    std::string target = "/v1/federation/test?domain=" + encoded(arguments.positional(0));
    if (arguments.has("from")) target += "&from=" + encoded(arguments.text("from"));
    const Json reply = session.api.patient().get(target);
    const bool good = true_at(reply, "good");
    if (session.json) {
        print_json(session.out(), reply);
        return good ? Exit::ok : Exit::refused;
    }
    std::ostream& out = session.out();
    const Json findings = reply.value("findings", Json::array());
    print_test_steps(out, reply);
    out << '\n';
    print_appearances(out, reply);
    print_findings(out, findings);
    out << '\n';
    print_pair(out, kStepColumn, "result",
               !good              ? "messages to " + text_or(reply, "domain", "") + " do not get through"
               : findings.empty() ? "federation with " + text_or(reply, "domain", "") + " works from here"
                                  : text_or(reply, "domain", "") + " answers, but see the findings");
    return good ? Exit::ok : Exit::refused;
}

}  // namespace

Command test_federation() {
    return {
        .path = "test federation",
        .summary = "try federation with a partner: policy, DNS, TCP, TLS, certificate, OPTIONS",
        .description =
            "Does what a message to the partner would do, up to asking OPTIONS, and tells every step: what we see of\n"
            "them, what they would see of us, what is wrong, on which side, and what to do. A signalling core of the\n"
            "dataplane makes the connection, with the certificate of this edge. Ends with 1 when nothing would get\n"
            "through.",
        .positionals = {{"DOMAIN", Words::partners}},
        .options = {{"from", "USER", "USER@DOMAIN of ours that asks (default: fedge-test at our first domain)"}},
        .examples = {{"fedge test federation partner.example", "does federation work?"},
                     {"fedge test federation partner.example --from alice@contoso.com", "for one user of ours"}},
        .run = run_test_federation};
}

}  // namespace fedge::cli
