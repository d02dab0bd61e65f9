#include <algorithm>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

constexpr unsigned kTtl = 3600;

// For a zone file of BIND and most others.
void print_zone(std::ostream& out, const Json& records) {
    size_t widest = 0;
    for (const Json& record : records) widest = std::max(widest, text_or(record, "name", "").size() + 1);
    std::string why;
    for (const Json& record : records) {
        if (text_or(record, "why", "") != why) {
            why = text_or(record, "why", "");
            out << "; " << printable(why) << '\n';
        }
        const std::string name = text_or(record, "name", "") + ".";
        out << printable(name) << std::string(widest - name.size() + 1, ' ') << kTtl << " IN "
            << printable(text_or(record, "type", "")) << ' ' << printable(text_or(record, "data", "")) << '\n';
    }
}

void print_check(Session& session, const Json& records) {
    print_rows(session.out(), session.at.width,
               {{{"NAME"}, as_text("name")},
                {{"TYPE"}, as_text("type")},
                {{"WANTED"}, as_text("data")},
                {{"SEEN"}, as_text("seen")},
                {{"FOUND"}, as_text("found")}},
               records, "There are no records to look for.");
}

Exit run_dns(Session& session, const Arguments& arguments) {
    const bool check = arguments.has("check");
    const Json reply = session.api.get(check ? "/v1/federation/dns?check=true" : "/v1/federation/dns");
    const Json records = reply.value("records", Json::array());
    if (session.json) {
        print_json(session.out(), reply);
    } else if (check) {
        print_check(session, records);
    } else {
        print_zone(session.out(), records);
    }
    for (const Json& problem : reply.value("problems", Json::array()))
        if (!session.json)
            session.err() << "note: " << printable(text_or(problem, "what", ""))
                          << "\n  fix: " << printable(text_or(problem, "fix", "")) << '\n';
    if (!check) return Exit::ok;
    const bool good = std::all_of(records.begin(), records.end(), [](const Json& record) {
        const std::string seen = text_or(record, "seen", "");
        return seen == "there";
    });
    return good ? Exit::ok : Exit::refused;
}

}  // namespace

Command dns() {
    return {.path = "dns",
            .summary = "print the DNS records that this edge needs, or check which of them the world sees",
            .description =
                "Lines for the zone files of the domains of ours: where partners and remote users find this edge, its\n"
                "addresses, and TLSA for the keys of its certificates. With --check DNS is asked, as partners ask it;\n"
                "exit code 1 if a record is missing or wrong.",
            .options = {{"check", nullptr, "ask DNS which of them are there"}},
            .examples = {{"fedge dns", "lines for the zone files"},
                         {"fedge dns --check", "what is there, missing, or wrong"}},
            .run = run_dns};
}

}  // namespace fedge::cli
