// The event loop of the daemon: HTTP on a UNIX socket, the dataplane connection, the tick, and SIGTERM or SIGINT to
// end.
#pragma once

#include <memory>
#include <string>

#include "control/control.h"
#include "control/log.h"

namespace fedge::control::api {

struct ServerOptions {
    std::string socket_path;
    std::string group;  // owner group of the socket (mode 0660); empty: as created
};

class Server {
  public:
    // Listens at once. Throws std::runtime_error with a sentence that names the key and the fix.
    Server(Control& control, const ServerOptions& options, Log& log);
    ~Server();

    void run();   // until a signal or stop()
    void stop();  // from any thread

  private:
    struct Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace fedge::control::api
