// What operators see of dialogs: states from what passes, and what is forgotten first.
#include "dataplane/signal/sip/dialog_list.h"

#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

class DialogListTest : public testing::Test {
  protected:
    static DialogPartyView partner() {
        return {PeerKind::partner, "partner.example", endpoint("203.0.113.5:40000"), 7};
    }
    static DialogPartyView front_end() { return {PeerKind::front_end, "fe1.contoso.com", {}, 8}; }

    static std::string header_of(const SipText& message) {
        std::string text = message.text();
        return text.substr(0, text.find("\r\n\r\n") + 4);
    }
    void request(const SipText& message) {
        std::string text = header_of(message);
        ASSERT_EQ(message_.parse(text), sip::MessageFault::none) << text;
        list_.on_request(message_, partner(), front_end(), now_);
    }
    void refuse(const SipText& message, uint16_t status, const char* why) {
        std::string text = header_of(message);
        ASSERT_EQ(message_.parse(text), sip::MessageFault::none) << text;
        list_.on_refused(message_, partner(), status, why, now_);
    }
    void response(const SipText& message) {
        std::string text = header_of(message);
        ASSERT_EQ(message_.parse(text), sip::MessageFault::none) << text;
        list_.on_response(message_, now_);
    }
    std::vector<DialogRecord> rows(size_t most = 64) {
        std::vector<DialogRecord> out;
        uint64_t cursor = 0;
        do {
            std::vector<DialogRecord> page(most);
            page.resize(list_.list(page, cursor, now_));
            out.insert(out.end(), page.begin(), page.end());
        } while (cursor != 0);
        return out;
    }
    DialogRecord only() {
        auto all = rows();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? DialogRecord{} : all.front();
    }
    uint64_t forgotten() { return Counters{block_}.value(Counter::sip_dialogs_forgotten); }

    static SipText invite(const std::string& call = "c1") { return with_method(message_in(call), "INVITE"); }
    // Within the dialog, by who was called.
    static SipText from_called(const SipText& request, const std::string& method) {
        SipText out = with_method(request, method);
        std::string from = out.get("From");
        out.set("From", out.get("To") + ";tag=answer").set("To", from);
        return out;
    }

    contract::CounterBlock block_{};
    Instant now_ = Instant{} + 1000s;
    DialogList list_{4, Counters{block_}, HashKey{}};
    sip::Message message_;
};

TEST_F(DialogListTest, ACallFromItsBeginningToItsEnd) {
    request(invite());
    DialogRecord row = only();
    EXPECT_EQ(row.state, DialogState::calling);
    EXPECT_EQ(row.method.view(), "INVITE");
    EXPECT_EQ(row.call_id.view(), "c1");
    EXPECT_EQ(row.from.view(), "alice@partner.example");
    EXPECT_EQ(row.to.view(), "bob@contoso.com");
    EXPECT_EQ(words(row.source).view(), "partner partner.example");
    EXPECT_EQ(row.source.connection, 7U);
    EXPECT_EQ(words(row.destination).view(), "front-end fe1.contoso.com");
    response(response_to(invite(), 100));
    EXPECT_EQ(only().state, DialogState::calling);
    response(response_to(invite(), 180));
    EXPECT_EQ(only().state, DialogState::early);
    response(response_to(invite(), 200));
    EXPECT_EQ(only().state, DialogState::confirmed);
    EXPECT_EQ(only().status, 200);
    now_ += 90s;
    request(from_called(invite(), "BYE"));
    row = only();
    EXPECT_EQ(row.state, DialogState::ended);
    EXPECT_EQ(row.reason.view(), "BYE of the one called");
    EXPECT_EQ(row.requests, 2U);
    EXPECT_EQ(row.age, 90s);
    EXPECT_EQ(row.idle, 0s);
}

TEST_F(DialogListTest, WhatFailsSaysWhy) {
    struct Case {
        const char* what;
        int status;
        bool cancelled;
        const char* reason;
    };
    int call = 0;
    for (const Case& one :
         {Case{"busy", 486, false, "Whatever"}, Case{"cancelled", 487, true, "cancelled by the caller"}}) {
        SipText sent = invite("f" + std::to_string(call++));
        request(sent);
        if (one.cancelled) request(with_method(sent, "CANCEL"));
        response(response_to(sent, one.status));
        DialogRecord row = rows().back();
        EXPECT_EQ(row.state, DialogState::failed) << one.what;
        EXPECT_EQ(row.status, one.status) << one.what;
        EXPECT_EQ(row.reason.view(), one.reason) << one.what;
    }
}

TEST_F(DialogListTest, RefusedHere) {
    refuse(invite("r1"), 403, "the source domain is blocked");
    DialogRecord row = only();
    EXPECT_EQ(row.state, DialogState::failed);
    EXPECT_EQ(row.status, 403);
    EXPECT_EQ(row.reason.view(), "the source domain is blocked");
    EXPECT_FALSE(row.has_destination);
    // Once more, and this time it is let through.
    request(invite("r1"));
    row = only();
    EXPECT_EQ(row.state, DialogState::calling);
    EXPECT_EQ(row.reason.view(), "");
    // What is refused within a dialog does not end it.
    response(response_to(invite("r1"), 200));
    refuse(from_called(invite("r1"), "INFO"), 503, "overload");
    EXPECT_EQ(only().state, DialogState::confirmed);
}

TEST_F(DialogListTest, TransactionsThatMakeNoDialogEndWithTheirAnswer) {
    request(message_in("m1"));
    response(response_to(message_in("m1"), 200));
    EXPECT_EQ(only().state, DialogState::ended);
    request(with_method(message_in("b1"), "BENOTIFY"));
    EXPECT_EQ(rows().back().state, DialogState::ended) << "nobody answers it";
}

TEST_F(DialogListTest, SubscriptionsEndWithTheirNotifier) {
    SipText subscribe = with_method(message_in("s1"), "SUBSCRIBE");
    request(subscribe);
    response(response_to(subscribe, 200));
    request(from_called(subscribe, "NOTIFY").set("Subscription-State", "active;expires=60"));
    EXPECT_EQ(only().state, DialogState::confirmed);
    request(from_called(subscribe, "NOTIFY").set("Subscription-State", "terminated;reason=timeout"));
    EXPECT_EQ(only().state, DialogState::ended);
    EXPECT_EQ(only().requests, 3U);
}

TEST_F(DialogListTest, WhatBeganElsewhereIsListedFromWhereItIsSeen) {
    request(from_called(invite("x"), "INFO"));
    EXPECT_EQ(only().method.view(), "INVITE");
    EXPECT_EQ(only().state, DialogState::confirmed);
    // Nothing is begun by what only belongs to something.
    request(with_method(message_in("y"), "CANCEL"));
    request(with_method(message_in("z"), "ACK"));
    response(response_to(invite("w"), 200));
    EXPECT_EQ(rows().size(), 1U);
}

TEST_F(DialogListTest, ForgetsWhatIsOverThenWhatWaitsThenTheOldest) {
    auto calls = [&] {
        std::string out;
        for (const auto& row : rows(1)) out += std::string(row.call_id.view()) + " ";
        return out;
    };
    for (const char* call : {"confirmed", "waiting"}) request(invite(call));
    response(response_to(invite("confirmed"), 200));
    refuse(invite("over1"), 403, "");
    refuse(invite("over2"), 403, "");
    EXPECT_EQ(calls(), "confirmed waiting over1 over2 ");
    request(invite("a"));
    EXPECT_EQ(calls(), "confirmed waiting a over2 ");
    request(invite("b"));
    EXPECT_EQ(calls(), "confirmed waiting a b ");
    EXPECT_EQ(forgotten(), 0U) << "what is over is not missed";
    request(invite("c"));
    EXPECT_EQ(calls(), "confirmed c a b ");
    EXPECT_EQ(forgotten(), 1U);
    for (const char* call : {"a", "b", "c"}) response(response_to(invite(call), 200));
    request(from_called(invite("confirmed"), "INFO"));
    request(invite("d"));
    EXPECT_EQ(calls(), "confirmed c d b ") << "a was silent for longest";
    EXPECT_EQ(forgotten(), 2U);
    // All that are left are still found.
    request(from_called(invite("confirmed"), "BYE"));
    EXPECT_EQ(rows().front().state, DialogState::ended);
}

TEST_F(DialogListTest, SilenceEndsWhatWaits) {
    request(invite("late"));
    now_ += DialogList::kNoAnswer + 1s;
    request(invite("next"));
    EXPECT_EQ(rows().front().state, DialogState::failed);
    EXPECT_EQ(rows().front().reason.view(), "no final answer came");
    response(response_to(invite("next"), 200));
    now_ += DialogList::kSilent + 1s;
    request(invite("more"));
    EXPECT_EQ(rows()[1].state, DialogState::ended);
}

}  // namespace
}  // namespace fedge::signal
