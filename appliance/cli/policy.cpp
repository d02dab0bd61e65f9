#include "appliance/cli/policy.h"

#include <algorithm>
#include <array>

#include "appliance/cli/fields.h"
#include "appliance/cli/suggest.h"

namespace fedge::cli {
namespace {

constexpr std::array<const char*, 5> kFlags = {"federation", "xmpp", "public-im", "public-im-av", "outside"};

}  // namespace

std::vector<std::string> access_words(const Arguments& arguments, size_t skip) {
    const auto& all = arguments.positionals();
    std::vector<std::string> access(all.begin() + static_cast<std::ptrdiff_t>(std::min(skip, all.size())), all.end());
    if (access.size() == 1 && access.front() == "nothing") return {};
    for (const std::string& word : access) {
        if (std::find(kFlags.begin(), kFlags.end(), word) != kFlags.end()) continue;
        const std::string near = nearest(word, {kFlags.begin(), kFlags.end()});
        throw Failure(Exit::usage, "a policy knows no '" + word + "'",
                      near.empty() ? "give some of federation, xmpp, public-im, public-im-av, outside, or nothing"
                                   : "did you mean " + near + "?");
    }
    return access;
}

Json access_settings(const std::string& head, const std::vector<std::string>& access) {
    Json settings = Json::object();
    for (const char* flag : kFlags)
        settings[head + flag] = std::find(access.begin(), access.end(), flag) != access.end() ? "on" : "off";
    return settings;
}

std::string access_text(const Json& access) {
    return access.is_array() && !access.empty() ? value_text(access) : "nothing";
}

}  // namespace fedge::cli
