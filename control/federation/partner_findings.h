// What a test of a partner comes to, in words: what is wrong, on which side, and what to do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/discovery/route.h"

namespace fedge::control {

// A step as the dataplane reports it (contract/message.fbs, TestStep).
struct TestedStep {
    std::string name;
    std::string target;
    bool good = false;
    std::string text;
    uint32_t took_us = 0;
};

// What the other side would see of us.
struct OwnAppearance {
    std::string domain;       // that the test is from
    std::string access_name;  // sip.outside-name
    std::string certificate;  // its name here; empty: none is for the access name
    std::vector<std::string> names;
    std::string issuer;
    int64_t ends = 0;                     // Unix seconds
    std::optional<discovery::Route> srv;  // of `domain`; nothing: was not asked
};

struct PartnerFacts {
    std::string domain;
    bool accepted = false;  // by policy
    std::string policy;     // in words
    discovery::Route route;
    std::string via;  // the server that the operator named; empty: by SRV
    std::vector<TestedStep> steps;
    std::string error;  // why nothing could be tested
    OwnAppearance own;
    int64_t now = 0;  // Unix seconds
};

enum class AtFault : uint8_t { nobody, ours, theirs, network };
const char* name_of(AtFault side);

struct PartnerFinding {
    AtFault side;
    std::string text;  // one sentence
    std::string fix;
};

// The gravest first; empty: all is well.
std::vector<PartnerFinding> partner_findings(const PartnerFacts& facts);
// Somebody there answered.
bool reached(const PartnerFacts& facts);

}  // namespace fedge::control
