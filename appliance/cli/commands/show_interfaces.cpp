#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

// "outside external 192.0.2.10/26; inside internal vlan 7 ..."
std::string configured(const Json& row) {
    std::string text;
    for (const Json& interface : row.value("interfaces", Json::array())) {
        if (!text.empty()) text += "; ";
        text += text_or(interface, "name", "?") + " " + text_or(interface, "role", "");
        if (number_or(interface, "vlan", 0) > 0) text += " vlan " + text_or(interface, "vlan", "");
        const std::string addresses = text_or(interface, "addresses", "");
        if (!addresses.empty()) text += " " + addresses;
    }
    return text.empty() ? "-" : text;
}

std::string errors(const Json& row) {
    const double sum = number_or(row, "rx_missed", 0) + number_or(row, "rx_errors", 0) +
                       number_or(row, "tx_errors", 0) + number_or(row, "rx_nombuf", 0);
    return scaled(sum);
}

Exit run_show_interfaces(Session& session, const Arguments&) {
    return show_all_rows(session, {"/v1/interfaces", "", "The dataplane has no ports.", "port"},
                         {{{"PORT"}, as_text("name")},
                          {{"LINK"}, as_text("link")},
                          {{"MTU", kRight}, as_text("mtu")},
                          {{"QUEUES", kRight, false, 3}, as_text("queues")},
                          {{"RX PKTS", kRight}, as_scaled("rx_packets")},
                          {{"RX", kRight, false, 1}, as_bytes("rx_bytes")},
                          {{"TX PKTS", kRight}, as_scaled("tx_packets")},
                          {{"TX", kRight, false, 1}, as_bytes("tx_bytes")},
                          {{"ERRORS", kRight}, errors},
                          {{"INTERFACES", Column::Align::left, true}, configured},
                          {{"MAC", Column::Align::left, false, 2}, as_text("mac")},
                          {{"DRIVER", Column::Align::left, false, 2}, as_text("driver")},
                          {{"DEVICE", Column::Align::left, true, 3}, as_text("device")},
                          {{"OFFLOADS", Column::Align::left, true, 4}, as_text("offloads")}});
}

}  // namespace

Command show_interfaces() {
    return {.path = "show interfaces",
            .summary = "show the ports with their interfaces and traffic",
            .description =
                "ERRORS sums packets missed by the port, receive and transmit errors, and packets for which there\n"
                "was no buffer; --json tells them apart.",
            .examples = {{"fedge show interfaces", "ports, link state, traffic, addresses"},
                         {"fedge show interfaces --json", "every counter of every port"}},
            .run = run_show_interfaces};
}

}  // namespace fedge::cli
