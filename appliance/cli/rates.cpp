#include "appliance/cli/rates.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "appliance/cli/fields.h"

namespace fedge::cli {
namespace {

constexpr uint64_t kStreamRows = 500;

using Index = std::map<std::string, const Json*>;

std::string identity(const Json& row, const std::vector<const char*>& keys) {
    std::string id;
    for (const char* key : keys) id += text_or(row, key, "") + '\n';
    return id;
}

Index index_of(const Json& rows, const std::vector<const char*>& keys) {
    Index index;
    for (const Json& row : rows) index.emplace(identity(row, keys), &row);
    return index;
}

// Sets row[name] = (now - then) of `key`, per second and times `factor`.
void set_rate(Json& row, const Json& then, const char* key, const char* name, double seconds, double factor = 1) {
    const double delta = number_or(row, key, -1) - number_or(then, key, 0);
    if (seconds > 0 && delta >= 0) row[name] = delta * factor / seconds;
}

void sort_descending(std::vector<Json>& rows, const char* key) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Json& a, const Json& b) { return number_or(a, key, 0) > number_or(b, key, 0); });
}

}  // namespace

Sample take_sample(const Session& session) {
    Sample sample;
    sample.status = session.api.get("/v1/status");
    sample.cores = session.api.get("/v1/cores").value("rows", Json::array());
    sample.drops = session.api.get("/v1/drops").value("rows", Json::array());
    const Json streams = session.api.rows("/v1/streams", "", kStreamRows, "");
    sample.streams = streams["rows"];
    sample.more_streams = streams.contains("next");
    sample.at = session.at.now();
    return sample;
}

Json rates_between(const Sample& before, const Sample& after, size_t top) {
    const double seconds = after.at - before.at;
    Json frame = {{"interval_s", seconds}, {"status", after.status}, {"more_streams", after.more_streams}};

    frame["cores"] = Json::array();
    const Index cores = index_of(before.cores, {"core"});
    for (Json row : after.cores) {
        if (const auto then = cores.find(identity(row, {"core"})); then != cores.end()) {
            set_rate(row, *then->second, "rx_packets", "rx_pps", seconds);
            set_rate(row, *then->second, "tx_packets", "tx_pps", seconds);
        }
        frame["cores"].push_back(std::move(row));
    }

    std::vector<Json> drops;
    const Index reasons = index_of(before.drops, {"name"});
    for (Json row : after.drops) {
        const auto then = reasons.find(identity(row, {"name"}));
        if (then == reasons.end()) continue;
        set_rate(row, *then->second, "total", "per_second", seconds);
        if (number_or(row, "per_second", 0) > 0) drops.push_back(std::move(row));
    }
    sort_descending(drops, "per_second");
    frame["drops"] = drops;

    std::vector<Json> streams;
    const std::vector<const char*> stream_keys = {"allocation", "peer", "direction", "kind", "ssrc"};
    const Index known = index_of(before.streams, stream_keys);
    for (Json row : after.streams) {
        if (const auto then = known.find(identity(row, stream_keys)); then != known.end()) {
            set_rate(row, *then->second, "packets", "pps", seconds);
            set_rate(row, *then->second, "bytes", "bit_s", seconds, 8);
        }
        streams.push_back(std::move(row));
    }
    sort_descending(streams, "pps");
    if (streams.size() > top) streams.resize(top);
    frame["streams"] = streams;
    return frame;
}

}  // namespace fedge::cli
