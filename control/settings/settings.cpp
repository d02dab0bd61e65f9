#include "control/settings/settings.h"

namespace fedge::control {

Settings with_edits(Settings settings, const Edits& edits) {
    for (const auto& [key, values] : edits) {
        if (values) {
            settings[key] = *values;
        } else {
            settings.erase(key);
        }
    }
    return settings;
}

std::vector<Change> difference(const Settings& before, const Settings& after) {
    std::vector<Change> changes;
    for (const auto& [key, values] : before) {
        auto now = after.find(key);
        if (now == after.end()) {
            changes.push_back({key, values, {}});
        } else if (now->second != values) {
            changes.push_back({key, values, now->second});
        }
    }
    for (const auto& [key, values] : after) {
        if (!before.contains(key)) changes.push_back({key, {}, values});
    }
    return changes;
}

}  // namespace fedge::control
