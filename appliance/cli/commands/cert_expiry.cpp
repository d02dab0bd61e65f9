#include <algorithm>

#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string first_to_end(const Json& row) {
    const std::string first = text_or(row, "ends_first", "-");
    return first == text_or(row, "subject", "") ? "the certificate" : "its issuer " + first;
}

Exit run_cert_expiry(Session& session, const Arguments&) {
    const Json reply = session.api.get("/v1/certificates");
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    std::vector<Json> rows;
    for (const Json& row : reply.value("rows", Json::array()))
        if (row.contains("ends")) rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Json& a, const Json& b) { return number_or(a, "ends", 0) < number_or(b, "ends", 0); });
    print_rows(session.out(), session.at.width,
               {{{"NAME"}, as_text("name")},
                {{"DAYS LEFT", kRight}, as_text("days_left")},
                {{"ENDS"}, ends_cell},
                {{"WHAT ENDS FIRST", Column::Align::left, true}, first_to_end}},
               rows, "There are no certificates.");
    return Exit::ok;
}

}  // namespace

Command cert_expiry() {
    return {
        .path = "cert expiry",
        .summary = "show which certificate ends first, and when",
        .description =
            "The chain counts: an intermediate may end before the certificate. fedge show status warns 30 days before.",
        .examples = {{"fedge cert expiry", "the next to end comes first"},
                     {"fedge cert expiry --json", "with days_left, for a monitoring system"}},
        .run = run_cert_expiry};
}

}  // namespace fedge::cli
