#include "control/api/json.h"

#include <algorithm>
#include <limits>

#include "control/problem.h"

namespace fedge::control::api {
namespace {

[[noreturn]] void refuse(const char* field, const std::string& what, const std::string& fix) {
    throw Refusal(RefusalKind::invalid, {field, what, fix});
}

const Json& required(const Json& object, const char* field) {
    auto found = object.find(field);
    if (found == object.end()) refuse(field, std::string("the request has no \"") + field + "\"", "add it");
    return *found;
}

}  // namespace

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json parse_object(std::string_view body) {
    if (body.empty()) return Json::object();
    Json json = Json::parse(body, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        refuse("", "the request body is no JSON object", "send one, in UTF-8");
    return json;
}

std::string required_text(const Json& object, const char* field) {
    const Json& value = required(object, field);
    if (!value.is_string()) refuse(field, std::string("\"") + field + "\" is no text", "give a string");
    return value.get<std::string>();
}

std::string optional_text(const Json& object, const char* field) {
    return object.contains(field) ? required_text(object, field) : std::string();
}

int64_t required_integer(const Json& object, const char* field) {
    const Json& value = required(object, field);
    bool fits = value.is_number_integer() &&
                (!value.is_number_unsigned() ||
                 value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
    if (!fits) refuse(field, std::string("\"") + field + "\" is no whole number", "give an integer");
    return value.get<int64_t>();
}

bool required_flag(const Json& object, const char* field) {
    const Json& value = required(object, field);
    if (!value.is_boolean())
        refuse(field, std::string("\"") + field + "\" is neither true nor false", "give true or false");
    return value.get<bool>();
}

void only_fields(const Json& object, std::initializer_list<std::string_view> fields) {
    for (const auto& [name, value] : object.items()) {
        if (std::find(fields.begin(), fields.end(), name) != fields.end()) continue;
        std::string known;
        for (auto field : fields) known += (known.empty() ? "" : ", ") + std::string(field);
        refuse("", "the request knows no field \"" + name.substr(0, 64) + "\"", "fields are: " + known);
    }
}

}  // namespace fedge::control::api
