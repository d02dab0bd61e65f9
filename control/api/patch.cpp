#include "control/api/patch.h"

#include <string>

#include "control/api/json.h"
#include "control/problem.h"
#include "control/settings/table.h"

namespace fedge::control::api {
namespace {

std::string scalar(const std::string& key, const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
    if (value.is_number_integer()) return value.dump();
    throw Refusal(RefusalKind::invalid,
                  {key, "the value of " + key + " is no text, number or flag", "give a string or a list of strings"});
}

Values values_of(const std::string& key, const Json& value) {
    if (!value.is_array()) return {scalar(key, value)};
    Values out;
    for (const auto& item : value) out.push_back(scalar(key, item));
    return out;
}

}  // namespace

Edits parse_patch(std::string_view body, const Settings& candidate) {
    Json patch = parse_object(body);
    only_fields(patch, {"set", "unset"});
    Edits edits;
    if (auto unset = patch.find("unset"); unset != patch.end()) {
        if (!unset->is_array())
            throw Refusal(RefusalKind::invalid, {"unset", "\"unset\" is no list", "give a list of keys"});
        for (const auto& key : *unset) {
            if (!key.is_string())
                throw Refusal(RefusalKind::invalid, {"unset", "a key in \"unset\" is no text", "give strings"});
            for (const auto& name : keys_to_unset(key.get<std::string>(), candidate)) edits[name] = std::nullopt;
        }
    }
    if (auto set = patch.find("set"); set != patch.end()) {
        if (!set->is_object())
            throw Refusal(RefusalKind::invalid, {"set", "\"set\" is no object", "give keys and values"});
        for (const auto& [key, value] : set->items()) {
            Setting setting = find_setting(key);
            edits[setting.key] = checked_values(setting, values_of(setting.key, value));
        }
    }
    return edits;
}

}  // namespace fedge::control::api
