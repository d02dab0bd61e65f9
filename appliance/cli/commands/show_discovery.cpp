#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string name(const Json& row) {
    const std::string via = text_or(row, "via", "");
    const std::string domain = text_or(row, "domain", "");
    if (via.empty()) return domain;
    return domain.empty() ? via : domain + " via " + via;
}

std::string outcome(const Json& row) {
    return text_or(row, "outcome", "") + (true_at(row, "stale") ? ", stale" : "");
}

std::string expires(const Json& row) {
    const double left = number_or(row, "expires_s", 0);
    return left > 0 ? duration_text(static_cast<uint64_t>(left)) : "over";
}

// Where it is, or why it is not.
std::string where(const Json& row) {
    std::string text;
    for (const Json& target : row.value("targets", Json::array())) {
        text += (text.empty() ? "" : ", ") + text_or(target, "host", "") + ":" + text_or(target, "port", "");
    }
    return text.empty() ? text_or(row, "reason", "-") : text;
}

// Addresses that are tried last, of all.
std::string health(const Json& row) {
    uint64_t all = 0, bad = 0;
    for (const Json& target : row.value("targets", Json::array())) {
        for (const Json& address : target.value("addresses", Json::array())) {
            all++;
            bad += number_or(address, "last_for_s", 0) > 0 ? 1 : 0;
        }
    }
    if (all == 0) return "-";
    return bad == 0 ? "good" : std::to_string(bad) + " of " + std::to_string(all) + " failing";
}

Exit run_show_discovery(Session& session, const Arguments& arguments) {
    return show_rows(session, arguments, {"/v1/discovery", "", "Nobody has been looked up.", "answer"},
                     {{{"NAME", Column::Align::left, true}, name},
                      {{"SERVICE"}, as_text("service")},
                      {{"OUTCOME"}, outcome},
                      {{"CODE", kRight, false, 2}, as_text("code")},
                      {{"DNSSEC", Column::Align::left, false, 1},
                       [](const Json& row) { return true_at(row, "validated") ? "yes" : "no"; }},
                      {{"EXPIRES", kRight}, expires},
                      {{"HEALTH", Column::Align::left, false, 3}, health},
                      {{"WHERE OR WHY NOT", Column::Align::left, true}, where}});
}

}  // namespace

Command show_discovery() {
    return {.path = "show discovery",
            .summary = "show where partners are, as DNS said last",
            .description =
                "What is remembered: found, not-found, refused (a rule of this edge), failed (DNS). Stale answers are\n"
                "older than DNS wants, and used because DNS does not answer (dns.stale-time). HEALTH counts addresses\n"
                "that could not be reached lately and are tried last. fedge test discovery looks a domain up at once.",
            .options = paging_options(),
            .examples = {{"fedge show discovery", "all that is remembered"},
                         {"fedge show discovery --json --limit 0", "with targets, addresses and what was refused"}},
            .run = run_show_discovery};
}

}  // namespace fedge::cli
