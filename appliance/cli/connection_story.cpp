#include "appliance/cli/connection_story.h"

#include "appliance/cli/fields.h"

namespace fedge::cli {
namespace {

constexpr double kManyRetransmits = 10;

class Story {
  public:
    explicit Story(const Json& row) : row_(row) {}

    std::vector<std::string> tell() {
        who();
        tcp();
        tls();
        service();
        ending();
        return std::move(lines_);
    }

  private:
    std::string text(const char* key) const { return text_or(row_, key, ""); }
    double number(const char* key) const { return number_or(row_, key, 0); }
    bool over() const { return !text("ended").empty(); }
    void say(const char* about, const std::string& what) {
        lines_.push_back("  " + std::string(about) + std::string(9 - std::string_view(about).size(), ' ') + what);
    }

    void who() {
        const std::string local = text("local").empty() ? "this edge" : text("local");
        lines_.push_back("Connection " + text("id") +
                         (true_at(row_, "outgoing") ? ": " + local + " to " + text("remote")
                                                    : ": " + text("remote") + " to " + local));
        std::string what = true_at(row_, "outgoing") ? "begun by this edge" : "accepted";
        if (!text("interface").empty()) what += " on interface " + text("interface");
        what += " by core " + text("core");
        what += text("transport") == "kernel" ? ", through the TCP of the kernel" : ", by our own TCP";
        what += over() ? "; it lasted " + as_seconds("age_s")(row_) : "; it is " + as_seconds("age_s")(row_) + " old";
        say("what", what);
    }

    void tcp() {
        std::string what = over() ? "in the end " : "";
        what += text("state").empty() ? "of unknown state" : text("state");
        if (!over()) what += ", nothing has come for " + as_seconds("idle_s")(row_);
        if (number("rtt_us") > 0) what += ", round trip " + decimal(number("rtt_us") / 1000, 1) + " ms";
        if (number("mss") > 0) what += ", segments of " + text("mss") + " bytes";
        say("TCP", what);
        if (number("congestion_window") > 0) {
            say("", as_bytes("in_flight")(row_) + " of " + as_bytes("congestion_window")(row_) + " window in flight, " +
                        as_bytes("unsent")(row_) + " wait to be sent, " + as_bytes("unread")(row_) +
                        " wait to be read, buffers hold " + as_bytes("buffer_bytes")(row_));
        }
        if (number("retransmits") > 0)
            say("", counted(static_cast<uint64_t>(number("retransmits")), "segment") + " sent again" +
                        (number("retransmits") >= kManyRetransmits ? ": the path loses packets" : ""));
        if (!over() && number("unsent") > 0 && number("in_flight") >= number("congestion_window"))
            say("", "what waits to be sent waits for the network: the window is full");
        else if (!over() && number("unsent") > 0)
            say("",
                "what waits to be sent most likely waits for the other side, which reads more slowly than we write");
    }

    void tls() {
        const std::string error = text("tls_error");
        if (!text("tls_version").empty()) {
            std::string what = text("tls_version");
            if (!text("cipher").empty()) what += " with " + text("cipher");
            if (!text("group").empty()) what += ", key agreement " + text("group");
            what += true_at(row_, "resumed") ? ", a session resumed by its ticket" : ", a full handshake";
            say("TLS", what);
        } else if (text("state") == "handshake") {
            say("TLS", "the handshake is going on");
        } else if (error.empty()) {
            say("TLS", "none");
        }
        if (!error.empty()) say("TLS", "the handshake failed: " + error);
        if (!text("sni").empty())
            say("", (true_at(row_, "outgoing") ? "we asked for the name " : "the client asked for the name ") +
                        text("sni"));
        if (!text("alpn").empty()) say("", "protocol agreed by ALPN: " + text("alpn"));
        if (!text("certificate").empty())
            say("", "our certificate: " + text("certificate") + " (fedge cert show " + text("certificate") + ")");
        const std::string names = text("peer_names");
        if (!names.empty())
            say("", "the other side's certificate proves " + names);
        else if (!text("tls_version").empty())
            say("", "the other side showed no certificate, or proved no name by it");
    }

    void service() {
        const std::string name = text("service");
        if (name.empty()) {
            say("service", text("state") == "handshake" ? "not known before the handshake is over" : "not known yet");
        } else {
            say("service", name);
        }
        if (number("allocation") > 0)
            say("", "TURN allocation " + text("allocation") + " (fedge show streams --allocation " +
                        text("allocation") + ")");
        else if (name.starts_with("turn") && !over())
            say("", "no TURN allocation yet");
    }

    void ending() {
        if (over()) say("ended", as_seconds("ended_ago_s")(row_) + " ago: " + text("ended"));
    }

    const Json& row_;
    std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> connection_story(const Json& row) {
    return Story(row).tell();
}

}  // namespace fedge::cli
