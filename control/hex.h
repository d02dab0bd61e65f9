// Octets as text: two hexadecimal digits for each, in lower case.
#pragma once

#include <string>

#include "dataplane/base/bytes.h"

namespace fedge::control {

std::string hex(Bytes bytes);

}  // namespace fedge::control
