#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

void add_term(std::string& query, const char* field, const std::string& value) {
    if (!value.empty()) query += std::string("&") + field + "=" + encoded(value);
}

std::string explain_query(const Arguments& arguments) {
    const bool inbound = arguments.has("inbound");
    if (!inbound) {
        for (const char* option : {"cert", "usage", "marked"})
            if (arguments.has(option))
                throw Failure(Exit::usage, std::string("--") + option + " is about inbound messages", "add --inbound");
    }
    std::string query = "from=" + encoded(arguments.positional(0)) + "&to=" + encoded(arguments.positional(1));
    if (inbound) query += "&direction=inbound";
    add_term(query, "cert", arguments.text("cert"));
    add_term(query, "usage", arguments.text("usage"));
    add_term(query, "mark", arguments.text("marked"));
    add_term(query, "content", arguments.text("content"));
    add_term(query, "protocol", arguments.has("xmpp") ? "xmpp" : "");
    add_term(query, "candidate", arguments.has("candidate") ? "true" : "");
    return query;
}

// One line of the facts below the table.
void say_fact(std::ostream& out, const char* what, const std::string& text) {
    if (!text.empty()) out << "  " << what << ": " << printable(text) << '\n';
}

void print_wire(std::ostream& out, const Json& wire) {
    const std::string code = number_or(wire, "code", 0) > 0 ? ", ms-diagnostics " + text_or(wire, "code", "") + " (" +
                                                                  text_or(wire, "text", "") + ")"
                                                            : "";
    const std::string status = text_or(wire, "status", "") + code;
    if (!true_at(wire, "sent")) return say_fact(out, "the peer is told", "nothing; a refusal would say " + status);
    say_fact(out, "the peer is told", status);
    if (const std::string header = text_or(wire, "header", ""); !header.empty())
        say_fact(out, "header", "ms-diagnostics-public: " + header);
}

void print_explanation(Session& session, const Json& reply) {
    std::ostream& out = session.out();
    print_rows(out, session.at.width,
               {{{"STEP", kRight}, as_text("step")},
                {{"NAME"}, as_text("name")},
                {{"RESULT"}, as_text("result")},
                {{"WHY"}, as_text("why")}},
               reply.value("steps", Json::array()), "No step was taken.");
    out << '\n' << printable(text_or(reply, "verdict", "?")) << ": " << printable(text_or(reply, "why", "")) << '\n';
    say_fact(out, "rule", text_or(reply, "rule", ""));
    if (const std::string partner = text_or(reply, "partner", "none"); partner != "none")
        say_fact(out, "partner", partner + ", trust class " + text_or(reply, "trust", ""));
    say_fact(out, "provider", text_or(reply, "provider", ""));
    const bool inbound = text_or(reply, "direction", "") == "inbound";
    say_fact(out, inbound ? "sender, as our side sees it" : "receiver, as the provider sees it",
             text_or(reply, "decorated", text_or(reply, "decorated_problem", "")));
    if (const Json hop = reply.value("next_hop", Json()); hop.is_object()) {
        const std::string host = text_or(hop, "host", "");
        say_fact(out, "next hop", text_or(hop, "kind", "") + (host.empty() ? "" : " " + host));
        say_fact(out, "targets", text_or(hop, "targets", ""));
    }
    say_fact(out, "header", text_or(reply, "header", ""));
    if (const Json wire = reply.value("wire", Json()); wire.is_object()) print_wire(out, wire);
    for (const Json& cores : reply.value("cores", Json::array()))
        say_fact(out, ("cores on " + printable(text_or(cores, "name", "?"))).c_str(), text_or(cores, "words", ""));
    say_fact(out, "cores", text_or(reply, "cores_error", ""));
}

Exit run_explain_federation(Session& session, const Arguments& arguments) {
    const Json reply = session.api.get("/v1/federation/explain?" + explain_query(arguments));
    if (session.json) {
        print_json(session.out(), reply);
    } else {
        print_explanation(session, reply);
    }
    return true_at(reply, "allowed") ? Exit::ok : Exit::refused;
}

}  // namespace

Command explain_federation() {
    return {
        .path = "explain federation",
        .summary = "walk the steps of policy for a message, and show where it ends and why",
        .description =
            "Takes the steps that the cores take, on the same settings and entries, and asks DNS where they would.\n"
            "Outbound unless --inbound is given. Exit code 0: it would pass; 1: it would not. A discovered partner\n"
            "is taken to be within its limits. At the end stands what the cores themselves have of the partner's\n"
            "domain and of our user, and, if that is something else, why.",
        .positionals = {{"FROM"}, {"TO"}},
        .options = {{"inbound", nullptr, "the message comes from outside"},
                    {"cert", "NAMES", "names that the peer's certificate proves: sip.a.example,sip:a.example,cn:..."},
                    {"usage", "USES", "extended key usage of it: server,client,sip-domain (default: none named)"},
                    {"marked", "AS", "what the message says of its sender: verified, unverified (default: nothing)"},
                    {"content", "KIND", "im (default), presence, audio, video, session"},
                    {"xmpp", nullptr, "by XMPP instead of SIP"},
                    {"candidate", nullptr, "as the candidate has it, before it is committed"}},
        .examples =
            {{"fedge explain federation alice@example.org bob@partner.example", "may alice write to bob?"},
             {"fedge explain federation bob@partner.example alice@example.org --inbound --cert sip.partner.example",
              "may bob, by a server with this certificate, write to alice?"}},
        .run = run_explain_federation};
}

}  // namespace fedge::cli
