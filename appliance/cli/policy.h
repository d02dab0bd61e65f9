// External-access policies: what users may do, by user, site, and for the rest of them.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/command.h"

namespace fedge::cli {

// The words behind the first `skip` positionals: federation, xmpp, public-im, public-im-av, outside, or nothing alone.
// Throws Failure (Exit::usage).
std::vector<std::string> access_words(const Arguments& arguments, size_t skip);

// The settings below `head` ("policy.global.") that allow exactly this.
Json access_settings(const std::string& head, const std::vector<std::string>& access);

// A policy as the API has it, in words.
std::string access_text(const Json& access);

inline constexpr const char* kAccessHelp =
    "FLAG is what is allowed, and everything else is not: federation (partners), xmpp (XMPP partners, with\n"
    "federation), public-im (public instant messaging), public-im-av (audio and video with it), outside (connect\n"
    "from outside); or nothing. A user's policy comes before that of the site, and that before the global one.";

}  // namespace fedge::cli
