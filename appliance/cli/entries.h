// Entries of partners and users: edits of the candidate's, and how they are told.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/command.h"

namespace fedge::cli {

// The options of what is allowed: --via, --verification, --purpose, --srv, --monitor, --comment, --replace.
std::vector<Option> entry_options();
// --comment and --replace.
std::vector<Option> plain_entry_options();

// The entry {"kind","name","list",...} that arguments and options describe.
Json entry_from(const Arguments& arguments, const char* kind, const char* list);

// PATCHes the candidate's entries with one that is put, and says how many changes there are to commit.
Exit put_entry(Session& session, const Json& entry, bool replace);
Exit remove_entries(Session& session, const Json& entries);

// "allow domain contoso.com via sip.contoso.com": an entry as it is said to the person.
std::string entry_text(const Json& entry);

// Prints {"added","changed","removed","first":[{"old","new"}]} as lines of "-" and "+", and how many more there are.
void print_entry_changes(Session& session, const Json& entries);

}  // namespace fedge::cli
