// Names of domains as operators write them, in any script, and as everything else wants them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fedge::control {

// The name in A-labels (IDNA 2008, RFC 5891), lower case, without the closing dot that it may have: letters, digits,
// '-' and '_', labels of up to 63 octets, up to 253 in all. Nothing if `text` is no such name; `why` then says what is
// wrong with it, to follow the name in a sentence ("has a label that ...").
std::optional<std::string> domain_name(std::string_view text, std::string* why = nullptr);

}  // namespace fedge::control
