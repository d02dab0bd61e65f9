#include <fstream>
#include <memory>
#include <optional>

#include "appliance/cli/capture.h"
#include "appliance/cli/collector.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

constexpr int kWaitMs = 500;  // for messages; an interrupt is noticed when it is over

// "12:34:56.789012"
std::string time_of_day(uint64_t unix_ns) {
    std::string micros = std::to_string(unix_ns / 1000 % 1'000'000);
    std::string day = utc_text(static_cast<int64_t>(unix_ns / 1'000'000'000));
    return day.substr(11, 8) + "." + std::string(6 - micros.size(), '0') + micros;
}

void print_message(std::ostream& out, const Json& row, const std::string& text, bool brief) {
    out << time_of_day(row.value("unix_ns", uint64_t{0})) << (true_at(row, "incoming") ? "  in   " : "  out  ")
        << printable(text_or(row, "peer", "")) << "  " << printable(text_or(row, "remote", "")) << "  connection "
        << printable(text_or(row, "connection", ""));
    if (brief) out << "  " << printable(text.substr(0, text.find("\r\n")));
    out << '\n';
    if (const std::string verdict = text_or(row, "verdict", ""); !verdict.empty())
        out << "                 " << printable(verdict) << '\n';
    if (brief) return;
    std::string lines;
    for (const char c : text)
        if (c != '\r') lines += c;
    for (size_t at = 0; at < lines.size();) {
        const size_t end = std::min(lines.find('\n', at), lines.size());
        if (end > at) out << "    " << printable(lines.substr(at, end - at));
        out << '\n';
        at = end + 1;
    }
    if (const auto cut = static_cast<uint64_t>(number_or(row, "cut", 0)); cut > 0)
        out << "    (" << counted(cut, "more octet") << ")\n";
    out << '\n';
}

// Where messages go to.
struct Outlets {
    std::unique_ptr<std::ofstream> pcap;
    std::unique_ptr<Collector> collector;
    uint32_t agent = 0;
    bool brief = false;

    void take(Session& session, const Json& row) const {
        const std::optional<CapturedMessage> message = CapturedMessage::of(row);
        if (message && pcap) *pcap << pcap_packet(*message) << std::flush;
        if (message && collector) collector->send(hep_packet(*message, agent, call_id_of(message->text)));
        if (session.json) {
            session.out() << row.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
            return;
        }
        if (const auto lost = static_cast<uint64_t>(number_or(row, "lost", 0)); lost > 0)
            session.out() << "(" << counted(lost, "message") << " before this one did not come through)\n";
        print_message(session.out(), row, message ? message->text : text_or(row, "text", ""), brief);
        session.out() << std::flush;
    }
};

// Ends the trace however the command ends.
class RunningTrace {
  public:
    RunningTrace(Session& session, const Json& wish) : session_(session) {
        path_ = "/v1/traces/" + text_or(session.api.send("POST", "/v1/traces", wish), "id", "");
    }
    ~RunningTrace() {
        try {
            session_.api.send("DELETE", path_);
        } catch (const Failure&) {  // it ends by itself when nobody reads it
        }
    }
    RunningTrace(const RunningTrace&) = delete;
    RunningTrace& operator=(const RunningTrace&) = delete;

    Json next() {
        Json page = session_.api.get(path_ + "?after=" + after_ + "&wait_ms=" + std::to_string(kWaitMs));
        after_ = text_or(page, "next", "0");
        return page;
    }

  private:
    Session& session_;
    std::string path_;
    std::string after_ = "0";
};

Json wish_of(const Arguments& arguments) {
    Json wish = Json::object();
    if (arguments.has("domain")) wish["domain"] = arguments.text("domain");
    if (arguments.has("call")) wish["call"] = arguments.text("call");
    if (arguments.has("connection")) wish["connection"] = arguments.number("connection", 0, 1, uint64_t{1} << 48);
    if (arguments.has("rate")) wish["rate"] = arguments.number("rate", 200, 1, 10000);
    return wish;
}

Outlets outlets_of(const Arguments& arguments) {
    Outlets out;
    out.brief = arguments.has("brief");
    out.agent = static_cast<uint32_t>(arguments.number("hep-id", 2001, 0, UINT32_MAX));
    if (arguments.has("hep")) out.collector = std::make_unique<Collector>(arguments.text("hep"));
    if (!arguments.has("pcap")) return out;
    const std::string path = arguments.text("pcap");
    out.pcap = std::make_unique<std::ofstream>(path, std::ios::binary | std::ios::trunc);
    *out.pcap << pcap_header() << std::flush;
    if (!*out.pcap) throw Failure(Exit::usage, "--pcap: " + path + " cannot be written");
    return out;
}

Exit run_trace(Session& session, const Arguments& arguments) {
    const uint64_t count = arguments.number("count", 0, 0, UINT32_MAX);
    const uint64_t seconds = arguments.number("seconds", 0, 0, 86400);
    const Outlets outlets = outlets_of(arguments);
    // The first pause takes over the interrupting signals, so that the trace is ended and not only left.
    if (!session.at.pause(0)) return Exit::ok;
    RunningTrace trace(session, wish_of(arguments));
    if (!session.json) session.err() << "tracing; Ctrl-C ends\n";
    const double begin = session.at.now();
    uint64_t seen = 0;
    do {
        const Json page = trace.next();
        for (const Json& row : page.value("rows", Json::array())) {
            outlets.take(session, row);
            if (++seen == count) return Exit::ok;
        }
        if (outlets.pcap && !*outlets.pcap) throw Failure(Exit::refused, "--pcap: the disk is full, or the file gone");
        if (seconds > 0 && session.at.now() - begin >= static_cast<double>(seconds)) break;
    } while (session.at.pause(0));
    return Exit::ok;
}

}  // namespace

Command trace() {
    return {
        .path = "trace",
        .summary = "show SIP messages as they pass, live",
        .description =
            "One message after the other: when, in or out, with whom, what was done with it if it was not passed on.\n"
            "Passwords, keys and digests are masked on the cores already; nothing of them leaves the dataplane. What\n"
            "comes faster than --rate, or is longer than 8 KiB, is left out, and that is said. Ctrl-C ends.\n"
            "A capture file shows each message as a UDP datagram with port 5060 on the side of this edge, whatever it\n"
            "came over (TLS on TCP), so that Wireshark and its kin read it as SIP: addresses and times are real.",
        .options = {{"domain", "D", "only of this domain: in From, To or Request-URI, or proved by the other side"},
                    {"call", "ID", "only with this Call-ID"},
                    {"connection", "N", "only on this connection (fedge show connections)"},
                    {"rate", "N", "messages per second and core at most (default: 200)"},
                    {"brief", nullptr, "one line for each message"},
                    {"pcap", "FILE", "write them to a capture file, too", Words::files},
                    {"hep", "HOST:PORT", "send them to a HEP collector (HOMER, version 3), too"},
                    {"hep-id", "N", "capture agent's number for it (default: 2001)"},
                    {"count", "N", "end after N messages"},
                    {"seconds", "S", "end after S seconds"}},
        .examples = {{"fedge trace --domain partner.example", "all that passes to and from a partner"},
                     {"fedge trace --brief --seconds 60", "an overview of a minute"},
                     {"fedge trace --call a84b4c76e66710 --pcap call.pcap", "one call, for Wireshark"},
                     {"fedge trace --hep 192.0.2.9:9060 --hep-id 17", "everything to a collector"}},
        .run = run_trace};
}

}  // namespace fedge::cli
