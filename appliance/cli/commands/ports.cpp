#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/port_rules.h"
#include "appliance/cli/port_texts.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

std::string our_addresses(const Json& row, Language language) {
    const std::string addresses = text_or(row, "addresses", "");
    return addresses.empty() ? std::string(word(Word::edge_management, language)) : addresses;
}

void print_side(Session& session, const Json& rows, const char* side, Word title, Language language) {
    Json shown = Json::array();
    for (const Json& row : rows)
        if (text_or(row, "side", "") == side) shown.push_back(row);
    if (shown.empty()) return;
    session.out() << word(title, language) << "\n\n";
    auto end = [language](bool source) {
        return [language, source](const Json& row) {
            const bool in = text_or(row, "direction", "in") == "in";
            return in == source ? far_text(row, language) : our_addresses(row, language);
        };
    };
    print_rows(
        session.out(), session.at.width,
        {{{std::string(word(Word::role_port, language))}, [=](const Json& row) { return role_text(row, language); }},
         {{std::string(word(Word::source, language)), Column::Align::left, true}, end(true)},
         {{std::string(word(Word::destination, language)), Column::Align::left, true}, end(false)},
         {{std::string(word(Word::notes, language)), Column::Align::left, true, 1},
          [=](const Json& row) { return note_text(row, language); }}},
        shown, "");
    session.out() << '\n';
}

Exit run_ports(Session& session, const Arguments& arguments) {
    const Language language = language_of(arguments.text("lang", "en"));
    const Json reply = session.api.get("/v1/federation/ports");
    const Json rows = reply.value("rows", Json::array());
    if (session.json) {
        print_json(session.out(), reply);
    } else if (arguments.has("nftables")) {
        session.out() << nftables_ruleset(rows);
    } else if (rows.empty()) {
        session.out() << "Nothing is configured that firewalls would have to let through.\n";
    } else {
        print_side(session, rows, "external", Word::external_firewall, language);
        print_side(session, rows, "internal", Word::internal_firewall, language);
    }
    return Exit::ok;
}

}  // namespace

Command ports() {
    return {
        .path = "ports",
        .summary = "show what the firewalls around this edge must let through",
        .description =
            "From the configuration in force: as a table, as JSON, or as a ruleset for a Linux firewall. Answers to\n"
            "what is let through are understood. Inbound NAT may change destination addresses only, outbound NAT\n"
            "source addresses only, and the internal side takes none.",
        .options = {{"lang", "LANGUAGE", "of the table: en (default), es, pt, ru"},
                    {"nftables", nullptr, "a ruleset that nft -f loads"}},
        .examples = {{"fedge ports", "the port tables"},
                     {"fedge ports --lang es", "the same in Spanish"},
                     {"fedge ports --nftables", "a ruleset for a perimeter firewall that runs Linux"}},
        .run = run_ports};
}

}  // namespace fedge::cli
