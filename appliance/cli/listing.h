// Commands that show rows page by page: the options they share, and the printing.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/command.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {

inline constexpr auto kRight = Column::Align::right;

struct Listing {
    std::string path;    // "/v1/streams"
    std::string filter;  // "user=alice", or empty
    std::string empty;   // said when there are no rows
    std::string noun;    // "stream": for the line that says that there are more
};

// --limit and --after.
std::vector<Option> paging_options();

// Fetches the rows that the paging options ask for and prints them, as JSON if the session says so.
Exit show_rows(Session& session, const Arguments& arguments, const Listing& listing, const std::vector<Field>& fields);

// The same for short listings without pages.
Exit show_all_rows(Session& session, const Listing& listing, const std::vector<Field>& fields);

}  // namespace fedge::cli
