#include "appliance/cli/password.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "appliance/cli/exit.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

constexpr size_t kLongest = 1024;

std::string first_line(std::istream& in, const std::string& from) {
    std::string line;
    std::getline(in, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) throw Failure(Exit::usage, "the password is empty", "put it on the first line of " + from);
    return line;
}

std::string asked_twice(Session& session, const std::string& user) {
    std::string password = session.at.ask_hidden("Password for " + printable(user) + ": ");
    if (password.empty()) throw Failure(Exit::usage, "the password is empty");
    if (session.at.ask_hidden("Again: ") != password)
        throw Failure(Exit::usage, "the two passwords differ", "nothing was changed: try again");
    return password;
}

std::string unlimited_password(Session& session, const Arguments& arguments, const std::string& user) {
    const std::string file = arguments.text("password-file");
    if (file.empty() && session.at.in_is_terminal) return asked_twice(session, user);
    if (file.empty() || file == "-") return first_line(session.at.in, "standard input");
    std::ifstream in(file);
    if (!in)
        throw Failure(Exit::usage, "--password-file: " + file + ": " + std::strerror(errno), "name a readable file");
    return first_line(in, file);
}

}  // namespace

std::string read_password(Session& session, const Arguments& arguments, const std::string& user) {
    if (arguments.has("password-file") && arguments.text("password-file").empty())
        throw Failure(Exit::usage, "--password-file is empty", "name a file, or - for standard input");
    std::string password = unlimited_password(session, arguments, user);
    if (password.size() > kLongest)
        throw Failure(Exit::usage, "the password is longer than " + std::to_string(kLongest) + " bytes");
    return password;
}

}  // namespace fedge::cli
