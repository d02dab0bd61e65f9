#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"
#include "appliance/cli/rates.h"

namespace fedge::cli {
namespace {

constexpr auto kRight = Column::Align::right;

Show as_rate(const char* key) {
    return [key](const Json& row) { return row.contains(key) ? scaled(number_or(row, key, 0)) : "-"; };
}

std::string stream_bit_rate(const Json& row) {
    return row.contains("bit_s") ? bit_rate(number_or(row, "bit_s", 0)) : "-";
}

void print_head(std::ostream& out, const Json& frame) {
    const Json& status = frame["status"];
    const Json dataplane = status.value("dataplane", Json::object());
    out << "fedge  "
        << (true_at(dataplane, "connected") ? "dataplane up " + as_seconds("uptime_s")(dataplane) : "dataplane DOWN")
        << "  revision " << printable(text_or(dataplane, "revision", "-")) << "  allocations "
        << as_count("allocations")(status.value("turn", Json::object()))
        << (true_at(status, "drain") ? "  DRAINING" : "") << "  (rates over "
        << decimal(number_or(frame, "interval_s", 0), 1) << " s)\n\n";
}

void print_frame(std::ostream& out, size_t width, const Json& frame) {
    print_head(out, frame);
    print_rows(out, width,
               {{{"CORE", kRight}, as_text("core")},
                {{"ROLE"}, as_text("role")},
                {{"BUSY", kRight}, as_decimal("busy_percent", 1, "%")},
                {{"RX/S", kRight}, as_rate("rx_pps")},
                {{"TX/S", kRight}, as_rate("tx_pps")},
                {{"CYCLES/PKT", kRight, false, 1}, as_decimal("cycles_per_packet", 0)},
                {{"ALLOCATIONS", kRight, false, 1}, as_count("allocations")}},
               frame["cores"], "The dataplane has no cores running.");
    out << '\n';
    print_rows(out, width,
               {{{"DROPS/S", kRight}, as_rate("per_second")},
                {{"REASON"}, as_text("name")},
                {{"WHY", Column::Align::left, true, 1}, as_text("help")}},
               frame["drops"], "No packet was dropped.");
    out << '\n';
    print_rows(out, width,
               {{{"PKTS/S", kRight}, as_rate("pps")},
                {{"RATE", kRight}, stream_bit_rate},
                {{"KIND"}, as_text("kind")},
                {{"ALLOC", kRight}, as_text("allocation")},
                {{"PEER", Column::Align::left, true}, as_text("peer")},
                {{"DIRECTION", Column::Align::left, false, 1}, as_text("direction")},
                {{"LOSS", kRight}, as_decimal("loss_percent", 2, "%")},
                {{"JITTER", kRight, false, 1}, as_decimal("jitter_ms", 1, " ms")}},
               frame["streams"], "There are no streams.");
    if (true_at(frame, "more_streams")) out << "(the busiest of the first 500 streams; there are more)\n";
}

// Uses the terminal's alternate screen, and gives the terminal back as it was.
class LiveScreen {
  public:
    LiveScreen(std::ostream& out, bool terminal, size_t height) : out_(out), terminal_(terminal), height_(height) {
        if (terminal_) out_ << "\x1b[?1049h\x1b[?25l";
    }
    ~LiveScreen() {
        if (terminal_) out_ << "\x1b[?25h\x1b[?1049l" << std::flush;
    }
    LiveScreen(const LiveScreen&) = delete;
    LiveScreen& operator=(const LiveScreen&) = delete;

    void show(const std::string& text) {
        if (!terminal_) {
            out_ << text << '\n' << std::flush;
            return;
        }
        // Line by line over the last frame instead of clearing first, which would flicker.
        std::istringstream lines(text);
        std::string line;
        out_ << "\x1b[H";
        for (size_t row = 0; std::getline(lines, line) && (height_ == 0 || row + 1 < height_); ++row)
            out_ << line << "\x1b[K\n";
        out_ << "\x1b[J" << std::flush;
    }

  private:
    std::ostream& out_;
    bool terminal_;
    size_t height_;
};

double interval_of(const Arguments& arguments) {
    const std::string text = arguments.text("interval", "1");
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || !(seconds >= 0.1 && seconds <= 3600))
        throw Failure(Exit::usage, "--interval: '" + text + "' is not a number of seconds from 0.1 to 3600");
    return seconds;
}

Exit once(Session& session, double interval, size_t top) {
    const Sample before = take_sample(session);
    if (!session.at.pause(interval)) return Exit::ok;
    const Json frame = rates_between(before, take_sample(session), top);
    if (session.json) {
        print_json(session.out(), frame);
    } else {
        print_frame(session.out(), session.at.width, frame);
    }
    return Exit::ok;
}

// Goes on through restarts of either daemon: the operator watches exactly then.
Exit live(Session& session, double interval, size_t top) {
    // The first pause takes over the interrupting signals: only then may the screen be taken, so that it is given back.
    if (!session.at.pause(0)) return Exit::ok;
    LiveScreen screen(session.out(), session.at.out_is_terminal && !session.json, session.at.height);
    std::optional<Sample> before;
    do {
        std::ostringstream text;
        try {
            Sample now = take_sample(session);
            const Json frame = rates_between(before ? *before : now, now, top);
            if (session.json) {
                text << frame.dump(-1, ' ', false, Json::error_handler_t::replace);
            } else {
                print_frame(text, session.at.width, frame);
            }
            before = std::move(now);
        } catch (const Failure& failure) {
            before.reset();
            if (session.json) throw;
            text << "fedge: " << printable(failure.text, true) << "\n  fix: " << printable(failure.fix, true)
                 << "\n\n(trying again every " << decimal(interval, 1) << " s; Ctrl-C ends)\n";
        }
        screen.show(text.str());
    } while (session.at.pause(interval));
    return Exit::ok;
}

Exit run_monitor(Session& session, const Arguments& arguments) {
    const double interval = interval_of(arguments);
    const size_t top = arguments.number("streams", 10, 0, 500);
    return arguments.has("once") ? once(session, interval, top) : live(session, interval, top);
}

}  // namespace

Command monitor() {
    return {.path = "monitor",
            .summary = "watch rates per core, drops and the busiest streams",
            .description = "Ctrl-C ends it. With --json: one JSON document per line and interval.",
            .options = {{"interval", "SECONDS", "time between samples (default: 1)"},
                        {"streams", "N", "show the N busiest streams (default: 10)"},
                        {"once", nullptr, "two samples, one picture, for scripts and tickets"}},
            .examples = {{"fedge monitor", "a live view"},
                         {"fedge monitor --once --interval 5", "rates over five seconds, then ends"},
                         {"fedge monitor --once --json", "rates for scripts"}},
            .run = run_monitor};
}

}  // namespace fedge::cli
