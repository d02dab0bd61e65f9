#include <string>

#include "dataplane/wire/tcp.h"
#include "tests/packet/segment.h"

namespace fedge::packet {
namespace {

using Buffer = std::vector<uint8_t>;

void append16(Buffer& out, uint32_t value) {
    out.push_back(static_cast<uint8_t>(value >> 8));
    out.push_back(static_cast<uint8_t>(value));
}

void append32(Buffer& out, uint32_t value) {
    append16(out, value >> 16);
    append16(out, value);
}

// Written here and not by write_tcp(): scripts send what a sound writer never would.
void append_option(const SegmentOption& option, const Numbering& numbering, Buffer& out) {
    using Kind = SegmentOption::Kind;
    switch (option.kind) {
        case Kind::nop: out.push_back(1); break;
        case Kind::end: out.push_back(0); break;
        case Kind::mss:
            out.insert(out.end(), {2, 4});
            append16(out, static_cast<uint32_t>(option.value.exact()));
            break;
        case Kind::window_scale:
            out.insert(out.end(), {3, 3});
            out.push_back(static_cast<uint8_t>(option.value.exact()));
            break;
        case Kind::sack_permitted: out.insert(out.end(), {4, 2}); break;
        case Kind::sack:
            out.push_back(5);
            out.push_back(static_cast<uint8_t>(2 + 8 * option.ranges.size()));
            for (SegmentOption::Range r : option.ranges) {
                append32(out, numbering.our_base() + static_cast<uint32_t>(r.left));
                append32(out, numbering.our_base() + static_cast<uint32_t>(r.right));
            }
            break;
        case Kind::timestamps:
            out.insert(out.end(), {8, 10});
            append32(out, static_cast<uint32_t>(option.value.exact()));
            append32(out, numbering.our_timestamp.value_or(0) + static_cast<uint32_t>(option.echo.exact()));
            break;
        case Kind::raw: out.insert(out.end(), option.bytes.begin(), option.bytes.end()); break;
    }
}

std::string flags_text(uint8_t flags) {
    std::string text;
    constexpr std::string_view kLetters = "FSRP.UEW";
    for (size_t bit = 0; bit < kLetters.size(); bit++)
        if (flags >> bit & 1) text += kLetters[bit];
    return text.empty() ? "-" : text;
}

std::string options_text(const wire::TcpOptions& options, const Numbering& numbering) {
    std::string text;
    auto add = [&text](const std::string& option) { text += (text.empty() ? "" : ",") + option; };
    if (options.mss) add("mss " + std::to_string(options.mss));
    if (options.sack_permitted) add("sackOK");
    if (options.has_timestamps)
        add("TS val " +
            std::to_string(static_cast<int32_t>(options.timestamps.value - numbering.our_timestamp.value_or(0))) +
            " ecr " + std::to_string(options.timestamps.echo));
    if (options.has_window_scale) add("wscale " + std::to_string(options.window_scale));
    std::string sack;
    for (uint8_t i = 0; i < options.sack_count; i++) {
        wire::SackRange r = options.sacks[i];
        sack += " " + std::to_string(r.left - numbering.peer_isn) + ":" + std::to_string(r.right - numbering.peer_isn);
    }
    if (!sack.empty()) add("sack" + sack);
    return text.empty() ? "" : " <" + text + ">";
}

std::optional<std::string> differs(const char* what, const Number& wanted, int64_t seen) {
    if (wanted.holds(seen)) return {};
    std::string demand = wanted.low == wanted.high ? std::to_string(wanted.low)
                                                   : std::to_string(wanted.low) + "~" + std::to_string(wanted.high);
    return std::string(what) + " is " + std::to_string(seen) + ", not " + demand;
}

// Scripts count relative to an initial number, a segment in 32 bits: one of the two ways to read it fits.
std::optional<std::string> differs_modulo(const char* what, const Number& wanted, uint32_t seen) {
    if (wanted.holds(seen) || wanted.holds(static_cast<int32_t>(seen))) return {};
    return differs(what, wanted, seen);
}

const SegmentOption* find(const SegmentText& text, SegmentOption::Kind kind) {
    for (const SegmentOption& option : text.options)
        if (option.kind == kind) return &option;
    return nullptr;
}

std::optional<std::string> sack_mismatch(const SegmentOption* wanted, const wire::TcpOptions& seen,
                                         const Numbering& numbering) {
    size_t count = wanted ? wanted->ranges.size() : 0;
    bool same = count == seen.sack_count;
    for (size_t i = 0; same && i < count; i++) {
        same = numbering.peer_isn + static_cast<uint32_t>(wanted->ranges[i].left) == seen.sacks[i].left &&
               numbering.peer_isn + static_cast<uint32_t>(wanted->ranges[i].right) == seen.sacks[i].right;
    }
    if (same) return {};
    return "SACK ranges differ";
}

// Order and padding do not count. A script that gives no list at all accepts timestamps, and nothing else.
std::optional<std::string> options_mismatch(const SegmentText& text, const wire::TcpOptions& seen,
                                            const Numbering& numbering) {
    using Kind = SegmentOption::Kind;
    if (text.any_options) return {};
    if (const SegmentOption* mss = find(text, Kind::mss)) {
        if (auto wrong = differs("MSS", mss->value, seen.mss)) return wrong;
    } else if (seen.mss) {
        return "MSS option is not expected";
    }
    const SegmentOption* scale = find(text, Kind::window_scale);
    if ((scale != nullptr) != seen.has_window_scale)
        return scale ? "window scale is missing" : "window scale is not expected";
    if (scale)
        if (auto wrong = differs("window scale", scale->value, seen.window_scale)) return wrong;
    if ((find(text, Kind::sack_permitted) != nullptr) != seen.sack_permitted)
        return seen.sack_permitted ? "sackOK is not expected" : "sackOK is missing";
    const SegmentOption* stamps = find(text, Kind::timestamps);
    if (stamps && !seen.has_timestamps) return "timestamps are missing";
    if (!stamps && seen.has_timestamps && text.options_given) return "timestamps are not expected";
    if (stamps) {
        uint32_t value = seen.timestamps.value - numbering.our_timestamp.value_or(0);
        if (auto wrong = differs_modulo("TS val", stamps->value, value)) return wrong;
        if (auto wrong = differs_modulo("TS ecr", stamps->echo, seen.timestamps.echo)) return wrong;
    }
    return sack_mismatch(find(text, Kind::sack), seen, numbering);
}

std::optional<std::string> payload_mismatch(Bytes payload, uint32_t seq, const wire::TcpSegment& segment) {
    if (segment.has(wire::kSyn) || payload.empty()) return {};
    for (size_t i = 0; i < payload.size(); i++) {
        // Stream offset 0 has relative number 1. A keepalive's byte before that is garbage by design.
        int64_t offset = int64_t{static_cast<int32_t>(seq)} - 1 + static_cast<int64_t>(i);
        if (offset >= 0 && payload[i] != payload_byte(false, static_cast<uint64_t>(offset)))
            return "payload differs from what was written, from byte " + std::to_string(offset) + " of the stream on";
    }
    return {};
}

}  // namespace

uint8_t payload_byte(bool from_peer, uint64_t offset) {
    uint64_t mixed = (offset + 1) * (from_peer ? 0x9e3779b97f4a7c15 : 0xd1b54a32d192ed03);
    return static_cast<uint8_t>(mixed >> 56);
}

std::vector<uint8_t> build_segment(const SegmentText& text, const Numbering& numbering, uint16_t source_port,
                                   uint16_t destination_port) {
    if (text.any_options || text.any_range) throw ScriptError("a segment to be sent cannot have wildcards");
    if ((text.flags & wire::kAck) != 0 && !text.ack) throw ScriptError("a segment with ACK needs an ack number");
    Buffer out;
    auto seq = static_cast<uint32_t>(text.seq.exact());
    append16(out, source_port);
    append16(out, destination_port);
    append32(out, numbering.peer_isn + seq);
    // Without ACK the field is what the script says, or zero.
    bool acks = (text.flags & wire::kAck) != 0;
    uint32_t ack = text.ack ? static_cast<uint32_t>(text.ack->exact()) : 0;
    append32(out, acks ? numbering.our_base() + ack : ack);
    out.push_back(0);
    out.push_back(text.flags);
    append16(out, text.window ? static_cast<uint32_t>(text.window->exact()) : 0xffff);
    append16(out, 0);
    append16(out, text.urgent.value_or(0));
    for (const SegmentOption& option : text.options) append_option(option, numbering, out);
    while (out.size() % 4 != 0) out.push_back(0);
    if (out.size() > wire::kMaxTcpHeader) throw ScriptError("more than 40 bytes of options");
    size_t words = text.data_offset.value_or(static_cast<uint8_t>(out.size() / 4));
    out[12] = static_cast<uint8_t>(words << 4);
    // Payload of a SYN begins at stream offset 0, that of others at their number less one.
    uint64_t first = (text.flags & wire::kSyn) != 0 ? seq : uint64_t{seq} - 1;
    for (uint32_t i = 0; i < text.length; i++) {
        uint8_t byte = payload_byte(true, first + i);
        out.push_back(text.evil ? static_cast<uint8_t>(~byte) : byte);
    }
    return out;
}

std::optional<std::string> mismatch(const SegmentText& text, const Numbering& numbering, Bytes sent) {
    wire::TcpSegment seen;
    if (!wire::parse_tcp(sent, seen)) return "it is malformed";
    // PSH may be there when the script does not ask for it; every other flag counts.
    uint8_t ignored = (text.flags & wire::kPsh) != 0 ? 0 : wire::kPsh;
    if ((seen.flags & ~ignored) != text.flags)
        return "flags are " + flags_text(seen.flags) + ", not " + flags_text(text.flags);
    uint32_t seq = seen.seq - numbering.our_base();
    if (!text.any_range) {
        if (auto wrong = differs_modulo("sequence number", text.seq, seq)) return wrong;
        if (seen.payload.size() != text.length)
            return "length is " + std::to_string(seen.payload.size()) + ", not " + std::to_string(text.length);
    }
    if (text.ack) {
        uint32_t ack = seen.has(wire::kAck) ? seen.ack - numbering.peer_isn : seen.ack;
        if (auto wrong = differs_modulo("ack", *text.ack, ack)) return wrong;
    }
    if (text.window)
        if (auto wrong = differs("window", *text.window, seen.window)) return wrong;
    if (auto wrong = options_mismatch(text, seen.options, numbering)) return wrong;
    return payload_mismatch(seen.payload, seq, seen);
}

std::string describe(Bytes sent, const Numbering& numbering) {
    wire::TcpSegment seen;
    if (!wire::parse_tcp(sent, seen)) return "malformed segment of " + std::to_string(sent.size()) + " bytes";
    auto seq = static_cast<int32_t>(seen.seq - numbering.our_base());
    auto length = static_cast<int64_t>(seen.payload.size());
    std::string text = flags_text(seen.flags) + " " + std::to_string(seq) + ":" + std::to_string(seq + length) + "(" +
                       std::to_string(length) + ")";
    if (seen.has(wire::kAck)) text += " ack " + std::to_string(static_cast<int32_t>(seen.ack - numbering.peer_isn));
    return text + " win " + std::to_string(seen.window) + options_text(seen.options, numbering);
}

}  // namespace fedge::packet
