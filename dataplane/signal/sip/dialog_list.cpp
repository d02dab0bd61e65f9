#include "dataplane/signal/sip/dialog_list.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

namespace fedge::signal {
namespace {

using sip::HeaderId;
using sip::Message;
using sip::Method;

// Whose 2xx begins a dialog.
bool makes_dialog(Method method) {
    return method == Method::invite || method == Method::subscribe;
}

// What a dialog was begun with that is seen in the middle.
std::string_view beginning_of(const Message& message) {
    switch (message.method()) {
        case Method::notify:
        case Method::benotify:
        case Method::subscribe: return "SUBSCRIBE";
        case Method::ack:
        case Method::bye:
        case Method::info:
        case Method::invite:
        case Method::prack:
        case Method::update: return "INVITE";
        default: return message.method_text();
    }
}

// SIP:user@host, without what else may stand in the field.
FixedText<96> address_of(const sip::Address& address) {
    const sip::Uri& uri = address.uri;
    if (uri.host.empty()) return address.text;
    std::array<char, 96> text;
    size_t size = 0;
    for (std::string_view part : {uri.user, std::string_view(uri.user.empty() ? "" : "@"), uri.host}) {
        size_t n = std::min(part.size(), text.size() - size);
        std::memcpy(text.data() + size, part.data(), n);
        size += n;
    }
    return std::string_view(text.data(), size);
}

std::string_view kind_name(PeerKind kind) {
    switch (kind) {
        case PeerKind::partner: return "partner";
        case PeerKind::front_end: return "front-end";
        case PeerKind::client: return "client";
    }
    return "";
}

}  // namespace

const char* name(DialogState state) {
    switch (state) {
        case DialogState::calling: return "calling";
        case DialogState::early: return "early";
        case DialogState::confirmed: return "confirmed";
        case DialogState::ended: return "ended";
        case DialogState::failed: return "failed";
    }
    return "";
}

FixedText<80> words(const DialogParty& party) {
    std::string text(kind_name(party.kind));
    bool by_name = party.kind != PeerKind::client && !party.label.view().empty();
    if (by_name) {
        text += ' ';
        text += party.label.view();
    } else if (party.remote != Endpoint{}) {
        text += ' ' + party.remote.text();
    }
    return std::string_view(text);
}

DialogList::DialogList(uint32_t entries, Counters counters, const HashKey& key)
    : counters_(counters),
      key_(key),
      entries_(std::max(entries, 1U)),
      buckets_(std::bit_ceil(entries_.size()), kNone) {}

uint64_t DialogList::hash(std::string_view text) const {
    uint64_t h = key_.c ^ text.size();
    for (; text.size() >= 8; text.remove_prefix(8)) {
        uint64_t word;
        std::memcpy(&word, text.data(), 8);
        h = fold_multiply(h ^ word, key_.a);
    }
    uint64_t rest = 0;
    if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
    return fold_multiply(h ^ rest, key_.b);
}

// Requests within a dialog come from both sides, so that either tag may be that of who began it.
uint32_t DialogList::find(uint64_t call, const Message& message) const {
    uint64_t from = hash(message.from().tag), to = hash(message.to().tag);
    for (uint32_t i = buckets_[call & (buckets_.size() - 1)]; i != kNone; i = entries_[i].next_in_bucket) {
        const Entry& entry = entries_[i];
        if (entry.call == call && (entry.caller_tag == from || entry.caller_tag == to)) return i;
    }
    return kNone;
}

void DialogList::put(uint32_t index, Queue queue) {
    Entry& entry = entries_[index];
    Ends& ends = ends_[queue];
    entry.queue = queue;
    entry.newer = kNone;
    entry.older = ends.newest;
    (ends.newest == kNone ? ends.oldest : entries_[ends.newest].newer) = index;
    ends.newest = index;
}

void DialogList::unlink(uint32_t index) {
    Entry& entry = entries_[index];
    Ends& ends = ends_[entry.queue];
    (entry.newer == kNone ? ends.newest : entries_[entry.newer].older) = entry.older;
    (entry.older == kNone ? ends.oldest : entries_[entry.older].newer) = entry.newer;
}

uint32_t DialogList::take_place() {
    if (used_ < entries_.size()) return used_++;
    Queue queue = ends_[over].oldest != kNone ? over : ends_[waiting].oldest != kNone ? waiting : confirmed;
    if (queue != over) counters_.add(Counter::sip_dialogs_forgotten);
    uint32_t index = ends_[queue].oldest;
    unlink(index);
    uint32_t* at = &buckets_[entries_[index].call & (buckets_.size() - 1)];
    while (*at != index) at = &entries_[*at].next_in_bucket;
    *at = entries_[index].next_in_bucket;
    return index;
}

DialogList::Entry& DialogList::make(uint64_t call, const Message& request, const DialogPartyView& source, Instant now) {
    uint32_t index = take_place();
    Entry& entry = entries_[index];
    entry = {};
    entry.call = call;
    entry.caller_tag = hash(request.from().tag);
    entry.began = entry.seen = now;
    entry.method = request.method();
    DialogRecord& record = entry.record;
    record.id = (call ^ entry.caller_tag) >> 16;
    record.call_id = request.call_id();
    record.method = request.method_text();
    record.from = address_of(request.from());
    record.to = address_of(request.to());
    record.source = source;
    uint32_t& bucket = buckets_[call & (buckets_.size() - 1)];
    entry.next_in_bucket = bucket;
    bucket = index;
    put(index, waiting);
    if (request.to().tag.empty()) return entry;
    record.method = beginning_of(request);
    entry.method = sip::method_id(record.method.view());
    record.reason = std::string_view("was under way when it was first seen");
    set_state(entry, DialogState::confirmed);
    return entry;
}

void DialogList::set_state(Entry& entry, DialogState state) {
    entry.record.state = state;
    Queue queue = state == DialogState::confirmed ? confirmed : state <= DialogState::early ? waiting : over;
    uint32_t index = index_of(entry);
    unlink(index);
    put(index, queue);
}

void DialogList::touch(Entry& entry, Instant now) {
    entry.seen = now;
    uint32_t index = index_of(entry);
    if (ends_[entry.queue].newest == index) return;
    unlink(index);
    put(index, entry.queue);
}

void DialogList::end(Entry& entry, std::string_view why) {
    entry.record.reason = why;
    set_state(entry, DialogState::ended);
}

void DialogList::expire(Instant now) {
    for (uint32_t i = 0; i < kExpiredAtOnce; i++) {
        if (uint32_t late = ends_[waiting].oldest; late != kNone && now - entries_[late].seen > kNoAnswer) {
            entries_[late].record.reason = std::string_view("no final answer came");
            set_state(entries_[late], DialogState::failed);
        } else if (uint32_t old = ends_[confirmed].oldest; old != kNone && now - entries_[old].seen > kSilent) {
            end(entries_[old], "nothing was heard of it for a day");
        } else {
            return;
        }
    }
}

void DialogList::on_request(const Message& request, const DialogPartyView& source, const DialogPartyView& destination,
                            Instant now) {
    expire(now);
    uint64_t call = hash(request.call_id());
    Method method = request.method();
    uint32_t index = find(call, request);
    // Of what failed, an ACK is the rest; a CANCEL belongs to what was seen or to nothing.
    if (index == kNone && (method == Method::cancel || (method == Method::ack && request.to().tag.empty()))) return;
    Entry& entry = index == kNone ? make(call, request, source, now) : entries_[index];
    DialogRecord& record = entry.record;
    record.requests++;
    touch(entry, now);
    if (!record.has_destination) {
        record.has_destination = true;
        record.destination = destination;
    }
    // Once more, as with credentials that were asked for.
    bool over_now = record.state >= DialogState::ended;
    if (over_now && method == entry.method && request.to().tag.empty()) {
        record.status = 0;
        record.reason = {};
        entry.cancelled = false;
        set_state(entry, DialogState::calling);
    }
    bool by_caller = hash(request.from().tag) == entry.caller_tag;
    if (method == Method::cancel) {
        entry.cancelled = true;
    } else if (method == Method::bye && !over_now) {
        end(entry, by_caller ? "BYE of the caller" : "BYE of the one called");
    } else if (method == Method::benotify && entry.method == Method::benotify && !over_now) {
        end(entry, "is not answered");
    } else if ((method == Method::notify || method == Method::benotify) && !over_now) {
        std::string_view state = request.value(HeaderId::subscription_state);
        if (state.size() >= 10 && sip::equal_nocase(state.substr(0, 10), "terminated"))
            end(entry, "the notifier ended the subscription");
    }
}

void DialogList::on_refused(const Message& request, const DialogPartyView& source, uint16_t status,
                            std::string_view why, Instant now) {
    expire(now);
    uint64_t call = hash(request.call_id());
    uint32_t index = find(call, request);
    bool known = index != kNone;
    if (!known && (request.method() == Method::cancel || request.method() == Method::ack)) return;
    Entry& entry = known ? entries_[index] : make(call, request, source, now);
    entry.record.requests++;
    touch(entry, now);
    entry.record.status = status;
    // What is refused within a dialog does not end it.
    if (entry.record.state == DialogState::confirmed && known) return;
    entry.record.reason = why;
    set_state(entry, status >= 200 && status < 300 ? DialogState::ended : DialogState::failed);
}

void DialogList::on_response(const Message& response, Instant now) {
    uint64_t call = hash(response.call_id());
    uint32_t index = find(call, response);
    if (index == kNone) return;
    Entry& entry = entries_[index];
    DialogRecord& record = entry.record;
    touch(entry, now);
    uint16_t status = response.status_code();
    if (status >= 200) record.status = status;
    bool waits = record.state <= DialogState::early;
    if (response.method() != entry.method || (!waits && record.state != DialogState::confirmed)) return;
    if (status < 200) {
        if (waits && status > 100) set_state(entry, DialogState::early);
    } else if (status < 300) {
        if (!waits) return;
        if (makes_dialog(entry.method)) return set_state(entry, DialogState::confirmed);
        end(entry, "answered");
    } else if (waits || status == 481 || status == 408) {
        record.reason = entry.cancelled ? std::string_view("cancelled by the caller") : response.reason();
        set_state(entry, waits ? DialogState::failed : DialogState::ended);
    }
}

uint32_t DialogList::list(std::span<DialogRecord> out, uint64_t& cursor, Instant now) const {
    uint32_t filled = 0;
    uint64_t at = cursor;
    for (; at < used_ && filled < out.size(); at++) {
        const Entry& entry = entries_[at];
        DialogRecord& row = out[filled++] = entry.record;
        row.age = now - entry.began;
        row.idle = now - entry.seen;
    }
    cursor = at < used_ ? at : 0;
    return filled;
}

}  // namespace fedge::signal
