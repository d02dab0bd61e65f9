#include <cstdint>
#include <cstdio>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

bool is_rtp(const Json& row) {
    return text_or(row, "kind", "") == "rtp";
}

// What only RTP has is left empty for everything else: zeros there would look like measurements.
Show rtp_only(Show show) {
    return [show = std::move(show)](const Json& row) { return is_rtp(row) ? show(row) : ""; };
}

std::string ssrc(const Json& row) {
    char text[16];
    std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(number_or(row, "ssrc", 0)));
    return text;
}

Exit run_show_streams(Session& session, const Arguments& arguments) {
    std::string filter;
    if (arguments.has("allocation"))
        filter = "allocation=" + std::to_string(arguments.number("allocation", 0, 1, UINT64_MAX));
    return show_rows(
        session, arguments,
        {"/v1/streams", filter, "There are no streams: nothing has flowed through an allocation.", "stream"},
        {{{"ALLOC", kRight}, as_text("allocation")},
         {{"KIND"}, as_text("kind")},
         {{"PEER", Column::Align::left, true}, as_text("peer")},
         {{"DIRECTION"}, as_text("direction")},
         {{"SSRC"}, rtp_only(ssrc)},
         {{"PT", kRight, false, 1}, rtp_only(as_text("payload_type"))},
         {{"PACKETS", kRight}, as_count("packets")},
         {{"BYTES", kRight, false, 2}, as_bytes("bytes")},
         {{"LOSS", kRight}, rtp_only(as_decimal("loss_percent", 2, "%"))},
         {{"JITTER", kRight}, rtp_only(as_decimal("jitter_ms", 1, " ms"))},
         {{"IDLE", kRight}, as_milliseconds("idle_ms")},
         {{"USER", Column::Align::left, true, 3}, as_text("user")}});
}

std::vector<Option> stream_options() {
    std::vector<Option> all = {{"allocation", "ID", "only the streams of this allocation", Words::allocations}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

}  // namespace

Command show_streams() {
    return {
        .path = "show streams",
        .summary = "show what flows through allocations: loss and jitter per stream",
        .description =
            "One row per allocation, peer, direction and SSRC. Loss and jitter are those of RFC 3550, measured\n"
            "where the packet arrives at the edge; they exist for RTP only.",
        .options = stream_options(),
        .examples = {{"fedge show streams", "every stream"},
                     {"fedge show streams --allocation 42", "the streams of one allocation (fedge show allocations)"}},
        .run = run_show_streams};
}

}  // namespace fedge::cli
