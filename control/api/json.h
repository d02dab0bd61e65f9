// JSON of the API: keys stay in the order in which they are written; text that is not UTF-8 is shown with replacements.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fedge::control::api {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json);
// The object in a request body; an empty body is an empty object. Throws Refusal (invalid).
Json parse_object(std::string_view body);

// Fields of a request, throwing Refusal (invalid) when they are missing or of another type.
std::string required_text(const Json& object, const char* field);
std::string optional_text(const Json& object, const char* field);
int64_t required_integer(const Json& object, const char* field);
bool required_flag(const Json& object, const char* field);
// Refuses fields that the request does not know, so that a typing error is not silently ignored.
void only_fields(const Json& object, std::initializer_list<std::string_view> fields);

}  // namespace fedge::control::api
