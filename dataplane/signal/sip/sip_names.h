// Decorated names (policy/decoration.h) in messages: what goes to a public IM provider for an account of another
// domain goes to its decorated name, and what comes from there comes from the account. Request-URI and To on the way
// out, From on the way in; in responses what the other side had written is put back, told by a parameter of our Via.
//
// Contacts and bodies stay as they are.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/policy/config.h"
#include "dataplane/policy/decision.h"
#include "dataplane/sip/edit.h"
#include "dataplane/sip/routing.h"

namespace fedge::signal {

// What changes in a message. Not to be moved: the texts stand in it.
class Names {
  public:
    Names() = default;
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;

    // Of a request that leaves for where `decision` says. False: the name cannot be decorated.
    bool decorate_target(const policy::Decision& decision, const sip::Message& request, const sip::RequestRoute& route);
    // Of a request that came in.
    void undecorate_source(const policy::View& view, const policy::Decision& decision, const sip::Message& request);
    // Of a response, `from` this side.
    void restore(const policy::Config& config, const sip::Message& response, sip::Side from);

    // The value of kNamesParameter in our Via: the server of the provider; empty: nothing is to be put back.
    std::string_view note() const { return note_; }
    void apply(sip::Edit& edit) const;

  private:
    bool write(const sip::Address& address, std::string_view account, std::string_view& out);

    std::string_view note_;
    std::string_view request_uri_;
    std::string_view from_;
    std::string_view to_;
    std::array<uint8_t, 1024> uri_memory_;
    std::array<uint8_t, 2048> address_memory_;
};

}  // namespace fedge::signal
