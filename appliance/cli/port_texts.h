// The words of the port tables, in the languages of the planning documents.
#pragma once

#include <string>
#include <string_view>

#include "appliance/cli/fields.h"

namespace fedge::cli {

enum class Language : uint8_t { en, es, pt, ru };
// Throws Failure (Exit::usage).
Language language_of(const std::string& name);

enum class Word : uint8_t {
    role_port,
    source,
    destination,
    notes,
    external_firewall,
    internal_firewall,
    edge_management
};
std::string_view word(Word word, Language language);

// Of a row of /v1/federation/ports: "Access/SIP(MTLS)/TCP/5061", and whom the far side is.
std::string role_text(const Json& row, Language language);
std::string far_text(const Json& row, Language language);
std::string note_text(const Json& row, Language language);

}  // namespace fedge::cli
