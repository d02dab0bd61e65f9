// What the store and the history of discovered partners know, as the source of verdict tables.
#pragma once

#include "control/discovered/history.h"
#include "control/publish/verdict_source.h"
#include "control/store/store.h"

namespace fedge::control {

class StoreVerdicts final : public VerdictSource {
  public:
    // References outlive this object.
    StoreVerdicts(Store& store, DiscoveredHistory& discovered) : store_(store), discovered_(discovered) {}

    Moment now() override;
    bool changes(const Moment& then, size_t most, const Each& each) override;
    void begin() override;
    bool next(size_t rows, const Each& each) override;

  private:
    enum class Part : uint8_t { domains, users, discovered, end };

    void give_domain(const std::string& name, const Each& each);

    Store& store_;
    DiscoveredHistory& discovered_;
    Part part_ = Part::end;
    std::string after_;  // the last name of part_ that was given
};

}  // namespace fedge::control
