#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string allocations(const Json& row) {
    const std::string most = as_scaled("max_allocations")(row);
    return as_scaled("allocations")(row) + (most == "-" ? "" : "/" + most);
}

Exit run_show_cores(Session& session, const Arguments&) {
    return show_all_rows(session, {"/v1/cores", "", "The dataplane has no cores running.", "core"},
                         {{{"CORE", kRight}, as_text("core")},
                          {{"CPU", kRight}, as_text("cpu")},
                          {{"ROLE"}, as_text("role")},
                          {{"BUSY", kRight}, as_decimal("busy_percent", 1, "%")},
                          {{"CYCLES/PKT", kRight, false, 1}, as_decimal("cycles_per_packet", 0)},
                          {{"RX PKTS", kRight}, as_scaled("rx_packets")},
                          {{"TX PKTS", kRight}, as_scaled("tx_packets")},
                          {{"ALLOCATIONS", kRight}, allocations},
                          {{"FREE MBUFS", kRight, false, 2}, as_count("mbufs_free")},
                          {{"REVISION", kRight, false, 1}, as_text("revision")},
                          {{"HEARTBEAT", kRight, false, 2}, as_milliseconds("heartbeat_ms")}});
}

}  // namespace

Command show_cores() {
    return {.path = "show cores",
            .summary = "show the cores of the dataplane and their load",
            .description =
                "HEARTBEAT is the time since the core last showed that it is alive; REVISION is the configuration\n"
                "that it works with.",
            .examples = {{"fedge show cores", "load, cycles per packet and allocations of each core"},
                         {"fedge show cores --json", "the same for scripts"}},
            .run = run_show_cores};
}

}  // namespace fedge::cli
