// What the numbers of patterns mean, between the part that compiles and the part that scans.
#pragma once

namespace fedge::sip {

enum FilterPattern : unsigned {
    kLinkPattern = 0,
    kFilePattern = 1,  // a link whose path ends with a listed extension
    kListedOffer = 2,  // of a file with a listed extension
    kAnyOffer = 3,
    kNoPattern = 4,
};

}  // namespace fedge::sip
