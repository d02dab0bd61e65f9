// Requests and responses for tests, put together from what matters to the test.
#pragma once

#include <stdexcept>
#include <string>

#include "dataplane/sip/message.h"

namespace fedge::sip {

struct RequestText {
    std::string method = "MESSAGE";
    std::string uri = "sip:bob@b.example";
    std::string via = "SIP/2.0/TLS a.example;branch=z9hG4bKone";
    std::string from = "<sip:alice@a.example>;tag=f1";
    std::string to = "<sip:bob@b.example>";
    std::string call_id = "call-1";
    std::string cseq = "7";
    std::string max_forwards = "70";  // empty: none
    std::string more;                 // whole lines

    std::string text() const {
        std::string hops = max_forwards.empty() ? "" : "Max-Forwards: " + max_forwards + "\r\n";
        return method + " " + uri + " SIP/2.0\r\nVia: " + via + "\r\n" + hops + "From: " + from + "\r\nTo: " + to +
               "\r\nCall-ID: " + call_id + "\r\nCSeq: " + cseq + " " + method + "\r\n" + more + "\r\n";
    }
};

// A message together with its text.
class Parsed {
  public:
    explicit Parsed(std::string text) : text_(std::move(text)) {
        if (MessageFault fault = message_.parse(text_); fault != MessageFault::none)
            throw std::runtime_error(std::string(name(fault)) + " in:\n" + text_);
    }
    explicit Parsed(const RequestText& request) : Parsed(request.text()) {}
    Parsed(const Parsed&) = delete;
    Parsed& operator=(const Parsed&) = delete;

    const Message& operator*() const { return message_; }
    const Message* operator->() const { return &message_; }

  private:
    std::string text_;
    Message message_;
};

}  // namespace fedge::sip
