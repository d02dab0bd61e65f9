// The HTTP API, request by request. Routes are listed in control/README.md.
#pragma once

#include "control/api/message.h"
#include "control/control.h"

namespace fedge::control::api {

class Router {
  public:
    explicit Router(Control& control) : control_(control) {}

    // Answers by `reply`, once, now or when the dataplane has answered. Never throws.
    void handle(const Request& request, Reply reply);

  private:
    Control& control_;
};

}  // namespace fedge::control::api
