#include "appliance/cli/certificates.h"

#include "appliance/cli/adoption.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {

std::vector<Option> algorithm_options() {
    return {{"ecdsa", nullptr, "a key of ECDSA P-256 (the default): cheap handshakes"},
            {"rsa", nullptr, "a key of RSA 2048, for partners that know nothing else"}};
}

Json hosts_request(const Arguments& arguments) {
    if (arguments.has("rsa") && arguments.has("ecdsa"))
        throw Failure(Exit::usage, "--rsa and --ecdsa exclude each other", "import two certificates to serve both");
    const auto& words = arguments.positionals();
    return {{"name", words.front()},
            {"hosts", std::vector<std::string>(words.begin() + 1, words.end())},
            {"algorithm", arguments.has("rsa") ? "rsa" : "ecdsa"}};
}

Exit report_certificate(Session& session, const Json& reply, const std::string& done) {
    if (!session.json) {
        for (const Json& note : reply.value("notes", Json::array()))
            session.err() << "note: " << printable(text_or(note, "note", "")) << "\n  "
                          << printable(text_or(note, "fix", "")) << '\n';
    }
    const std::string name = "Certificate " + printable(text_or(reply, "name", "?"));
    const std::string goes_on =
        true_at(reply, "replaced") ? " Connections go on with the one before; new ones get this one." : "";
    return report_tls_change(session, reply, name + " is " + done + "." + goes_on, name + " is stored");
}

Exit report_tls_change(Session& session, const Json& reply, const std::string& done, const std::string& stored) {
    const Exit exit = report_change(session, reply, done, stored);
    if (!session.json && reply.contains("served") && !true_at(reply, "served"))
        session.err() << "note: no listener of TLS is in force yet; see: fedge help settings turn.listen-tls\n";
    return exit;
}

std::string names_cell(const Json& row) {
    std::string out;
    for (const Json& item : row.value("names", Json::array())) {
        const std::string name = value_text(item);
        out += (out.empty() ? "" : ", ") + (name.starts_with("DNS:") ? name.substr(4) : name);
    }
    return out.empty() ? "-" : out;
}

std::string state_cell(const Json& row) {
    if (!row.contains("ends")) return true_at(row, "requested") ? "requested" : "-";
    const double days = number_or(row, "days_left", 0);
    if (days < 0) return "ENDED";
    return "in " + counted(static_cast<uint64_t>(days), "day") +
           (true_at(row, "requested") ? ", renewal requested" : "");
}

std::string ends_cell(const Json& row) {
    return row.contains("ends") ? as_time("ends")(row) : "-";
}

}  // namespace fedge::cli
