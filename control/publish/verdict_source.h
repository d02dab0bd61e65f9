// What verdict tables are built from: entries of the operator and discovered partners, as they are stored.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dataplane/contract/verdict_builder.h"

namespace fedge::control {

// What is known of one name now.
struct NamedVerdict {
    std::string name;
    bool user = false;
    contract::Access access{};  // of a user
    // Of a domain; of a user, anything but none means that it has a policy.
    contract::Rule rule = contract::Rule::none;  // none: nothing is known of the name any more
    contract::Verification verification = contract::Verification::use_source;
    contract::Purpose purpose = contract::Purpose::server_or_client;
    contract::SrvMode srv_mode = contract::SrvMode::microsoft_then_sips;
    bool monitored = false;
    bool suspicious = false;
    std::string via;
};

class VerdictSource {
  public:
    using Each = std::function<void(const NamedVerdict&)>;

    // A moment in the history of what is known. A default one is before everything.
    struct Moment {
        int64_t revision = 0;     // of the operator's entries
        uint64_t discovered = 0;  // of discovered partners

        bool operator==(const Moment&) const = default;
    };

    virtual ~VerdictSource() = default;

    virtual Moment now() = 0;

    // Names about which something else may be known now than at `then`, each with what is known now. Stops after `most`
    // names or somewhat later, and then returns false.
    virtual bool changes(const Moment& then, size_t most, const Each& each) = 0;

    // Reads everything that is known, in pieces: begin() starts over, and each next() gives at least one row of those
    // that are left, and about `rows`; false: that was all. What changes while it is read may come as it was or as it
    // is.
    virtual void begin() = 0;
    virtual bool next(size_t rows, const Each& each) = 0;
};

}  // namespace fedge::control
