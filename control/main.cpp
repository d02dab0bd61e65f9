// fedge-control: the daemon. Exit codes: 0 ended by a signal, 1 could not start or go on, 2 wrong options.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>

#include "control/api/server.h"
#include "control/control.h"
#include "control/options.h"

namespace {

using namespace fedge::control;

void make_run_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return;
    throw std::runtime_error("run-dir: " + path + " cannot be created: " + std::strerror(errno) +
                             "; create it or set run-dir");
}

int serve(const Options& options) {
    Log log(std::cerr, options.log_level);
    try {
        make_run_directory(options.run_dir);
        Store store(options.state_dir);
        Dataplane dataplane(options.dataplane_socket, log);
        Control control(store, dataplane, log, TimeSource::system());
        api::Server server(control, {options.api_socket, options.api_group}, log);
        log.info("fedge-control " FEDGE_VERSION " serves " + options.api_socket + ", revision " +
                 std::to_string(control.revision()));
        control.start();
        server.run();
        control.discovered().flush();
        return 0;
    } catch (const std::exception& error) {
        log.error(error.what());
        return 1;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        auto options = read_options(argc, argv);
        return options ? serve(*options) : 0;
    } catch (const OptionError& error) {
        std::cerr << "error: " << error.what() << "\n";
        return 2;
    }
}
