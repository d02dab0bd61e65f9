// What operators see of dialogs: a bounded list of what passed lately, by Call-ID and tags. Nothing is routed by it, so
// that it may forget: first what is over, then what waits for an answer, then what nothing was heard of for longest.
//
// The branches of a forked request are one entry. A dialog whose beginning passed elsewhere (on another core, or before
// a restart) is listed from where it was first seen.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/time.h"
#include "dataplane/signal/sip/sip_config.h"
#include "dataplane/sip/message.h"

namespace fedge::signal {

enum class DialogState : uint8_t {
    calling,    // no answer yet but 100
    early,      // 101 to 199
    confirmed,  // 2xx to what makes dialogs
    ended,      // by the end of the dialog, or of a transaction that makes none
    failed,
};
const char* name(DialogState state);

// One end of a dialog, as far as this edge knows it; good as long as its connection.
struct DialogPartyView {
    PeerKind kind = PeerKind::partner;
    std::string_view label;   // domain or host; empty: unknown
    Endpoint remote;          // unspecified: unknown
    uint64_t connection = 0;  // its number; 0: unknown
};
// The same, kept.
struct DialogParty {
    PeerKind kind = PeerKind::partner;
    FixedText<64> label;
    Endpoint remote;
    uint64_t connection = 0;

    DialogParty() = default;
    DialogParty(const DialogPartyView& view)
        : kind(view.kind), label(view.label), remote(view.remote), connection(view.connection) {}
};
// "partner partner.example", "client 192.0.2.1:5000".
FixedText<80> words(const DialogParty& party);

// A row of the list, whole: it travels between threads.
struct DialogRecord {
    uint64_t id = 0;
    FixedText<128> call_id;
    FixedText<16> method;  // of the request that began it
    DialogState state = DialogState::calling;
    FixedText<96> from;  // addresses of record
    FixedText<96> to;
    DialogParty source;
    DialogParty destination;
    bool has_destination = false;
    uint16_t status = 0;  // latest final status
    FixedText<96> reason;
    uint32_t requests = 0;
    Duration age{};
    Duration idle{};
};

class DialogList {
  public:
    static constexpr Duration kNoAnswer = 180s;    // RFC 3261 section 16.6, timer C; then it counts as failed
    static constexpr Duration kSilent = 24h;       // a dialog of which nothing was heard for so long counts as ended
    static constexpr uint32_t kExpiredAtOnce = 4;  // that each change looks at

    // Heap here only.
    DialogList(uint32_t entries, Counters counters, const HashKey& key);

    // A request that was passed on.
    void on_request(const sip::Message& request, const DialogPartyView& source, const DialogPartyView& destination,
                    Instant now);
    // One that was not: answered here with `status`, or dropped without a word (0). `why`: in words.
    void on_refused(const sip::Message& request, const DialogPartyView& source, uint16_t status, std::string_view why,
                    Instant now);
    // A response that was passed back.
    void on_response(const sip::Message& response, Instant now);

    // Rows from `cursor` on (start with 0; 0 again at the end). Returns how many.
    uint32_t list(std::span<DialogRecord> out, uint64_t& cursor, Instant now) const;
    uint32_t count() const { return used_; }

  private:
    static constexpr uint32_t kNone = UINT32_MAX;
    enum Queue : uint8_t { over, waiting, confirmed, queues };

    struct Entry {
        DialogRecord record;  // without age and idle
        sip::Method method = sip::Method::other;
        uint64_t call = 0;  // hashes
        uint64_t caller_tag = 0;
        Instant began{};
        Instant seen{};
        uint32_t next_in_bucket = kNone;
        uint32_t newer = kNone;
        uint32_t older = kNone;
        Queue queue = over;
        bool cancelled = false;
    };
    struct Ends {
        uint32_t newest = kNone;
        uint32_t oldest = kNone;
    };

    uint64_t hash(std::string_view text) const;
    uint32_t find(uint64_t call, const sip::Message& message) const;
    Entry& make(uint64_t call, const sip::Message& request, const DialogPartyView& source, Instant now);
    uint32_t take_place();
    void touch(Entry& entry, Instant now);
    void put(uint32_t index, Queue queue);
    void unlink(uint32_t index);
    void set_state(Entry& entry, DialogState state);
    void end(Entry& entry, std::string_view why);
    void expire(Instant now);
    uint32_t index_of(const Entry& entry) const { return static_cast<uint32_t>(&entry - entries_.data()); }

    Counters counters_;
    HashKey key_;
    std::vector<Entry> entries_;
    std::vector<uint32_t> buckets_;  // a power of two
    std::array<Ends, queues> ends_;
    uint32_t used_ = 0;
};

}  // namespace fedge::signal
