#include "control/options.h"

#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace fedge::control {
namespace {

namespace po = boost::program_options;

constexpr const char* kDefaultFile = "/etc/fedge/control.ini";

po::options_description settings_description() {
    po::options_description out("Keys, on the command line as --KEY VALUE, in the file as KEY = VALUE");
    auto add = out.add_options();
    add("state-dir", po::value<std::string>()->default_value("/var/lib/fedge"), "directory of the store");
    add("run-dir", po::value<std::string>()->default_value("/run/fedge"), "directory of the sockets");
    add("api-socket", po::value<std::string>(), "socket of the API (default: control.sock in run-dir)");
    add("dataplane-socket", po::value<std::string>(), "socket of the dataplane (default: dataplane.sock in run-dir)");
    add("api-group", po::value<std::string>()->default_value(""), "group that may use the API besides root");
    add("log-level", po::value<std::string>()->default_value("info"), "debug, info, warning or error");
    return out;
}

void read_file(const std::string& path, bool required, const po::options_description& settings,
               po::variables_map& values) {
    std::ifstream file(path);
    if (!file) {
        if (required) throw OptionError("--config: " + path + " cannot be read; create it or give another file");
        return;
    }
    try {
        po::store(po::parse_config_file(file, settings), values);
    } catch (const po::error& error) {
        throw OptionError(path + ": " + error.what() + "; keys are listed by fedge-control --help");
    }
}

std::string absolute(const po::variables_map& values, const char* key) {
    std::string path = values[key].as<std::string>();
    if (path.empty() || path.front() != '/')
        throw OptionError(std::string(key) + ": \"" + path + "\" is no absolute path; start it with /");
    return path;
}

}  // namespace

std::optional<Options> read_options(int argc, const char* const* argv) {
    po::options_description settings = settings_description();
    po::options_description general("fedge-control: configuration, credentials and API of the edge");
    general.add_options()("help", "show this")("version", "show the version")(
        "config", po::value<std::string>(),
        (std::string("file with keys (default: ") + kDefaultFile + " if it is there)").c_str());
    po::options_description all;
    all.add(general).add(settings);
    po::variables_map values;
    try {
        po::store(po::command_line_parser(argc, argv).options(all).positional({}).run(), values);
    } catch (const po::error& error) {
        throw OptionError(std::string(error.what()) + "; options are listed by fedge-control --help");
    }
    if (values.count("help")) {
        std::cout << all << "\nExample: fedge-control --config /etc/fedge/control.ini --log-level debug\n";
        return std::nullopt;
    }
    if (values.count("version")) {
        std::cout << "fedge-control " FEDGE_VERSION "\n";
        return std::nullopt;
    }
    bool named = values.count("config") != 0;
    read_file(named ? values["config"].as<std::string>() : kDefaultFile, named, settings, values);
    po::notify(values);

    Options out;
    out.state_dir = absolute(values, "state-dir");
    out.run_dir = absolute(values, "run-dir");
    out.api_socket = values.count("api-socket") ? absolute(values, "api-socket") : out.run_dir + "/control.sock";
    out.dataplane_socket =
        values.count("dataplane-socket") ? absolute(values, "dataplane-socket") : out.run_dir + "/dataplane.sock";
    out.api_group = values["api-group"].as<std::string>();
    std::string level = values["log-level"].as<std::string>();
    auto severity = severity_of(level);
    if (!severity) throw OptionError("log-level: \"" + level + "\" is unknown; give debug, info, warning or error");
    out.log_level = *severity;
    return out;
}

}  // namespace fedge::control
