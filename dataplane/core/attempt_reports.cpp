#include "dataplane/core/attempt_reports.h"

#include <vector>

namespace fedge::core {

void AttemptReports::add(const Attempt& attempt) {
    std::pair<Endpoint, std::string> place(attempt.endpoint, attempt.host.view());
    auto found = counts_.find(place);
    if (found == counts_.end()) {
        if (counts_.size() == kMost) return;
        found = counts_.emplace(std::move(place), Count{}).first;
    }
    Count& count = found->second;
    if (attempt.code == 0) {
        count.good++;
        return;
    }
    count.failed++;
    count.code = attempt.code;
    count.error = attempt.error;
}

flatbuffers::Offset<contract::TargetReports> AttemptReports::take(flatbuffers::FlatBufferBuilder& builder) {
    std::vector<flatbuffers::Offset<contract::TargetReport>> rows;
    while (!counts_.empty() && rows.size() < kRows) {
        const auto& [place, count] = *counts_.begin();
        const auto& [endpoint, host] = place;
        contract::Ip address(flatbuffers::span<const uint8_t, 16>(endpoint.address.octets().data(), 16));
        auto error = builder.CreateString(count.error.view().data(), count.error.view().size());
        rows.push_back(contract::CreateTargetReport(builder, builder.CreateString(host), &address, endpoint.port,
                                                    count.good, count.failed, count.code, error));
        counts_.erase(counts_.begin());
    }
    return contract::CreateTargetReportsDirect(builder, &rows);
}

}  // namespace fedge::core
