#include "perf/sip/traffic.h"

#include <charconv>
#include <vector>

namespace fedge::perf {
namespace {

constexpr std::string_view kText = "Hello, Bob. This is a message of an ordinary length, as people write them.";
constexpr std::string_view kOffer =
    "v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n";

bool is_name(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || line[name.size()] != ':') return false;
    for (size_t i = 0; i < name.size(); i++)
        if ((line[i] | 0x20) != (name[i] | 0x20)) return false;
    return true;
}

// The values of a field (as fedge, Kamailio and these programs write it), in order, taken apart at commas: none stands
// in what they write but between values.
std::vector<std::string_view> fields(std::string_view header, std::string_view name) {
    std::vector<std::string_view> found;
    for (size_t at = header.find("\r\n"); at != std::string_view::npos && at + 2 < header.size();) {
        size_t end = header.find("\r\n", at + 2);
        std::string_view line = header.substr(at + 2, end - at - 2);
        at = end;
        if (!is_name(line, name)) continue;
        line.remove_prefix(name.size() + 1);
        while (line.starts_with(' ')) line.remove_prefix(1);
        for (size_t comma; (comma = line.find(',')) != std::string_view::npos; line.remove_prefix(comma + 1))
            found.push_back(line.substr(0, comma));
        found.push_back(line);
    }
    return found;
}

std::string_view field(std::string_view header, std::string_view name) {
    auto found = fields(header, name);
    return found.empty() ? std::string_view() : found.front();
}

uint64_t number_in(std::string_view text) {
    uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

void add(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void answer(std::string& out, std::string_view request, std::string_view status, bool contact) {
    out.append("SIP/2.0 ").append(status).append("\r\n");
    for (std::string_view name : {"Via", "Record-Route", "From", "Call-ID", "CSeq"})
        for (std::string_view value : fields(request, name)) add(out, name, value);
    std::string_view to = field(request, "To");
    add(out, "To", std::string(to) + (to.find(";tag=") == std::string_view::npos ? ";tag=b" : ""));
    if (contact) add(out, "Contact", "<sip:bob@fe1.example.org:5061;transport=tls>");
    out += "Content-Length: 0\r\n\r\n";
}

}  // namespace

void take_messages(std::string& in, const std::function<void(std::string_view)>& use) {
    std::string_view rest = in;
    for (;;) {
        while (rest.starts_with("\r\n")) rest.remove_prefix(2);
        size_t end = rest.find("\r\n\r\n");
        if (end == std::string_view::npos) break;
        std::string_view header = rest.substr(0, end + 2);
        size_t whole = end + 4 + number_in(field(header, "Content-Length"));
        if (rest.size() < whole) break;
        use(header);
        rest.remove_prefix(whole);
    }
    in.erase(0, in.size() - rest.size());
}

void answer(std::string& out, std::string_view header) {
    if (header.starts_with("SIP/2.0") || header.starts_with("ACK ")) return;
    bool invite = header.starts_with("INVITE ");
    if (invite) answer(out, header, "180 Ringing", true);
    answer(out, header, "200 OK", invite);
}

void Caller::start(std::string& out) {
    for (; started_ < count_ && started_ - done_ < window_; started_++)
        request(out, calls_ ? "INVITE" : "MESSAGE", started_, "sip:" + std::string(parties_.to), "",
                calls_ ? kOffer : kText);
}

void Caller::on_response(std::string& out, std::string_view header) {
    if (!header.starts_with("SIP/2.0 ")) return;
    uint64_t status = number_in(header.substr(8, 3));
    if (status < 200) return;
    if (status >= 300) {
        refused_++;
        unavailable_ += status == 503;
    } else if (field(header, "CSeq").ends_with("INVITE")) {
        std::string routes;
        auto recorded = fields(header, "Record-Route");
        for (size_t i = recorded.size(); i-- > 0;) add(routes, "Route", recorded[i]);
        std::string_view contact = field(header, "Contact");
        std::string_view target = contact.substr(1, contact.find('>') - 1);
        uint64_t number = number_in(field(header, "Call-ID").substr(1));
        request(out, "ACK", number, target, routes, "");
        request(out, "BYE", number, target, routes, "");
        return;
    }
    done_++;
    start(out);
}

void Caller::request(std::string& out, std::string_view method, uint64_t number, std::string_view target,
                     std::string_view routes, std::string_view body) const {
    std::string id = std::to_string(number) + run_;
    bool within = method == "ACK" || method == "BYE";
    out.append(method).append(" ").append(target).append(" SIP/2.0\r\nVia: SIP/2.0/TLS ").append(parties_.host);
    out.append(":5061;branch=z9hG4bK").append(method).append(id).append("\r\nMax-Forwards: 70\r\n").append(routes);
    out.append("From: <sip:").append(parties_.from).append(">;tag=a").append(id);
    out.append("\r\nTo: <sip:").append(parties_.to).append(within ? ">;tag=b" : ">");
    out.append("\r\nCall-ID: m").append(id).append("@").append(parties_.host).append("\r\nCSeq: ");
    out.append(method == "BYE" ? "2 " : "1 ").append(method);
    out.append("\r\nContact: <sip:").append(parties_.from.substr(0, parties_.from.find('@'))).append("@");
    out.append(parties_.host).append(":5061;transport=tls>\r\n");
    if (!body.empty()) add(out, "Content-Type", calls_ ? "application/sdp" : "text/plain");
    add(out, "Content-Length", std::to_string(body.size()));
    out.append("\r\n").append(body);
}

}  // namespace fedge::perf
