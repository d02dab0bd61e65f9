#include "appliance/cli/input_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "appliance/cli/exit.h"

namespace fedge::cli {
namespace {

constexpr size_t kLongestFile = 512 * 1024;

std::string read_all(std::istream& in, const std::string& option, const std::string& from) {
    std::string text(kLongestFile + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    if (text.size() > kLongestFile)
        throw Failure(Exit::usage, "--" + option + ": " + from + " is longer than 512 KiB", "give the right file");
    if (text.empty()) throw Failure(Exit::usage, "--" + option + ": " + from + " is empty", "give the right file");
    return text;
}

}  // namespace

std::string read_file(Session& session, const Arguments& arguments, const std::string& option) {
    const std::string path = arguments.text(option);
    if (path.empty())
        throw Failure(Exit::usage, "--" + option + " FILE is missing", "name a file, or - for standard input");
    if (path == "-") return read_all(session.at.in, option, "standard input");
    std::ifstream in(path, std::ios::binary);
    if (!in || in.peek() == std::char_traits<char>::eof())
        throw Failure(Exit::usage,
                      "--" + option + ": " + path + ": " + (in.is_open() ? "nothing in it" : std::strerror(errno)),
                      "name a readable file");
    return read_all(in, option, path);
}

std::string read_pem(Session& session, const Arguments& arguments, const std::string& option) {
    std::string text = read_file(session, arguments, option);
    if (text.find("-----BEGIN ") == std::string::npos)
        throw Failure(Exit::usage, "--" + option + ": " + arguments.text(option) + " is not PEM",
                      "convert it: openssl x509 or openssl pkey with -inform DER, openssl pkcs12 with -nodes");
    return text;
}

}  // namespace fedge::cli
