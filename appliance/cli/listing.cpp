#include "appliance/cli/listing.h"

#include <limits>

#include "appliance/cli/printable.h"

namespace fedge::cli {

std::vector<Option> paging_options() {
    return {{"limit", "N", "show at most N rows, 0 for all (default: 1000)"},
            {"after", "CURSOR", "go on where the last listing ended"}};
}

Exit show_rows(Session& session, const Arguments& arguments, const Listing& listing, const std::vector<Field>& fields) {
    const uint64_t limit = arguments.number("limit", 1000, 0, std::numeric_limits<uint32_t>::max());
    const Json page = session.api.rows(listing.path, listing.filter, limit, arguments.text("after"));
    if (session.json) {
        print_json(session.out(), page);
        return Exit::ok;
    }
    print_rows(session.out(), session.at.width, fields, page["rows"], listing.empty);
    if (page.contains("next"))
        session.out() << "(there are more than " << counted(page["rows"].size(), listing.noun)
                      << ": go on with --after " << printable(value_text(page["next"])) << ", or use --limit 0)\n";
    return Exit::ok;
}

Exit show_all_rows(Session& session, const Listing& listing, const std::vector<Field>& fields) {
    const Json reply = session.api.get(listing.path);
    if (session.json) {
        print_json(session.out(), reply);
    } else {
        print_rows(session.out(), session.at.width, fields, reply.value("rows", Json::array()), listing.empty);
    }
    return Exit::ok;
}

}  // namespace fedge::cli
