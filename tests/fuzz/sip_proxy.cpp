// The SIP proxy among a partner, a front end and a remote user, each of whom sends what the input says, in pieces:
// nothing breaks, what is kept stays within its limits, everything that is passed on is a sound message, and those
// outside get no further than inside.
//
// The input is a script of records that end with 0xff. The first byte of a record: who sends (low three bits: partner,
// front end, remote user, the far end that the proxy connected to next), or what happens (time passes, the far ends
// answer, a connection breaks, DNS falls silent or answers); the rest of it the size of pieces. In what is sent, octets
// 1 to 4 and 6 stand for whole messages, 5 for the Record-Routes that were seen last, as Routes.
#include "dataplane/port/eal.h"
#include "dataplane/sip/framing.h"
#include "tests/fuzz/expect.h"
#include "tests/support/sip_world.h"

using namespace fedge;
using fuzz::expect;

namespace {

// Lives as long as the process: the EAL does not start twice.
struct Environment {
    Environment() {
        port::EalConfig config;
        config.huge = false;
        config.memory_mb = 256;
        config.cpus = {0};
        config.extra = {"--log-level=error"};
        eal = std::make_unique<port::Eal>(config, 1);
    }
    std::unique_ptr<port::Eal> eal;
};

// What one far end gets, framed and parsed as it arrives.
class FarEnd {
  public:
    FarEnd(test::FakeStream& stream, bool outside) : stream_(stream), outside_(outside) {}

    void read(bool inside_has_spoken) {
        auto more = stream_.take();
        bytes_.append(more.begin(), more.end());
        stream_.drain();
        while (!bytes_.empty()) {
            if (body_left_ > 0) {
                size_t n = std::min(body_left_, bytes_.size());
                bytes_.erase(0, n);
                body_left_ -= n;
                continue;
            }
            if (bytes_.starts_with("\r\n")) {
                bytes_.erase(0, 2);
                continue;
            }
            size_t end = bytes_.find("\r\n\r\n");
            if (end == std::string::npos) return;
            std::string header = bytes_.substr(0, end + 4);
            bytes_.erase(0, end + 4);
            check(header, inside_has_spoken);
        }
    }
    // The response to the last request that came, if one did.
    std::string answer(int status) const { return last_.start.empty() ? "" : test::response_to(last_, status).text(); }
    std::string routes() const {
        std::string out;
        for (const std::string& route : last_.all("Record-Route")) out += "Route: " + route + "\r\n";
        return out;
    }
    test::FakeStream& stream() { return stream_; }
    bool outside() const { return outside_; }

  private:
    void check(const std::string& header, bool inside_has_spoken) {
        static sip::FramingLimits limits;
        sip::Framer framer{limits};
        sip::Frame frame = framer.scan({}, bytes_of(header));
        expect(frame.what == sip::Framed::header && frame.take == header.size(), "what is written frames as one");
        body_left_ = frame.body_bytes;
        sip::MessageFault fault = message_->parse(header);
        if (!message_->is_request()) return;
        expect(fault == sip::MessageFault::none, "requests that are passed on are sound");
        expect(!outside_ || inside_has_spoken, "nobody outside reaches anybody outside");
        size_t trust = 0;
        for (const sip::Field* f = message_->first(sip::HeaderId::ms_edge_proxy_message_trust); f;
             f = message_->next(*f))
            trust++;
        if (!outside_)
            expect(trust <= 1 && !message_->has(sip::HeaderId::p_asserted_identity),
                   "what outside claims does not come in");
        std::string whole = header;
        last_ = test::SipText::take(whole);
    }

    test::FakeStream& stream_;
    bool outside_;
    std::string bytes_;
    size_t body_left_ = 0;
    test::SipText last_;
    std::unique_ptr<sip::Message> message_ = std::make_unique<sip::Message>();
};

struct Script {
    test::SipWorld world;
    std::vector<std::unique_ptr<FarEnd>> ends;  // partner, front end, remote user, the next that was connected to
    bool inside_has_spoken = false;

    // Filters that change what they can.
    static test::SipPlan plan() {
        sip::FilterSettings filters;
        filters.link_action = sip::LinkAction::allow;
        filters.allow_message = "Links were changed.";
        return {.hold_messages = 8, .connections = 16, .filters = std::move(filters)};
    }
    Script() : world(plan()) {
        world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
        ends.push_back(std::make_unique<FarEnd>(world.partner(), true));
        ends.push_back(std::make_unique<FarEnd>(world.inside(), false));
        ends.push_back(std::make_unique<FarEnd>(world.client(), true));
    }
    void look() {
        if (ends.size() == 3 && world.begun() > 1) {
            bool front_end_again = world.begun_to(1) == world.begun_to(0);
            expect(front_end_again || inside_has_spoken, "connections to partners begin from inside");
            std::string proved = front_end_again ? plan().front_ends.front() : "sip.partner.example";
            ends.push_back(std::make_unique<FarEnd>(world.begun(1, {proved}), !front_end_again));
        }
        for (auto& end : ends) end->read(inside_has_spoken);
        expect(world.proxy().held() <= 9, "what waits is bounded: an eighth more within dialogs");
        expect(world.proxy().connections().gathered() <= 64 << 20, "what is gathered is bounded");
    }
    void say(size_t who, const std::string& text, size_t piece) {
        if (who >= ends.size()) return;
        inside_has_spoken |= !ends[who]->outside() && !text.empty();
        for (size_t at = 0; at < text.size() && !ends[who]->stream().over(); at += std::min(piece, text.size() - at))
            world.send(ends[who]->stream(), text.substr(at, piece));
        look();
    }
    std::string spelled(std::string_view payload) const {
        std::string out;
        for (char c : payload) {
            switch (c) {
                case 1: out += test::message_in().text(); break;
                case 2: out += test::message_out().text(); break;
                case 3: out += test::with_method(test::message_in("call-3"), "INVITE").text(); break;
                case 4:
                    out += test::with_method(test::message_out("partner.example", "call-4"), "SUBSCRIBE").text();
                    break;
                case 5:
                    for (const auto& end : ends) out += end->routes();
                    break;
                case 6: {
                    test::SipText message = test::message_in("call-6");
                    message.body = "see http://www.partner.example/ and tel:1";
                    out += message.text();
                    break;
                }
                default: out += c;
            }
        }
        return out;
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Environment environment;
    if (size > 8192) return 0;
    Script script;
    std::string_view text = text_of(Bytes{data, size});
    for (unsigned records = 0; !text.empty() && records < 32; records++) {
        std::string_view record = text.substr(0, text.find('\xff'));
        text.remove_prefix(std::min(text.size(), record.size() + 1));
        if (record.empty()) continue;
        auto op = static_cast<uint8_t>(record[0]);
        size_t piece = op >> 3 == 0 ? SIZE_MAX : op >> 3;
        record.remove_prefix(1);
        switch (op & 7) {
            case 4: script.world.pass(100ms * (1 + op / 8)); break;
            case 5:
                for (size_t who = 0; who < script.ends.size(); who++)
                    script.say(who, script.ends[who]->answer(op & 8 ? 404 : 200), piece);
                break;
            case 6: {
                auto& stream = script.ends[op / 8 % script.ends.size()]->stream();
                if (!stream.over()) stream.reset();
                break;
            }
            case 7:
                script.world.dns_silent = !script.world.dns_silent;
                if (!script.world.dns_silent) script.world.answer("partner.example");
                break;
            default: script.say(op & 3, script.spelled(record), piece);
        }
        script.look();
    }
    return 0;
}
