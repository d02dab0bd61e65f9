#include "control/options.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

std::optional<Options> read(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "fedge-control");
    return read_options(static_cast<int>(arguments.size()), arguments.data());
}

class OptionsFile : public testing::Test {
  protected:
    std::string file(const std::string& text) {
        std::string path = scratch_.path() + "/control.ini";
        std::ofstream(path) << text;
        return path;
    }
    Scratch scratch_;
};

TEST_F(OptionsFile, CommandLineBeatsFileBeatsDefault) {
    std::string path = file("# comment\nrun-dir = /tmp/run\nlog-level = debug\n");
    auto options = read({"--config", path.c_str(), "--log-level", "error"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->state_dir, "/var/lib/fedge");
    EXPECT_EQ(options->run_dir, "/tmp/run");
    EXPECT_EQ(options->api_socket, "/tmp/run/control.sock");
    EXPECT_EQ(options->dataplane_socket, "/tmp/run/dataplane.sock");
    EXPECT_EQ(options->log_level, Severity::error);
}

TEST_F(OptionsFile, ErrorsNameTheKey) {
    struct Case {
        const char* text;
        const char* named;
    };
    for (const Case& c : {Case{"state-dri = /x\n", "state-dri"}, Case{"state-dir = relative\n", "state-dir"},
                          Case{"log-level = loud\n", "log-level"}, Case{"api-socket =\n", "api-socket"}}) {
        std::string path = file(c.text);
        try {
            read({"--config", path.c_str()});
            ADD_FAILURE() << c.text;
        } catch (const OptionError& error) {
            EXPECT_NE(std::string(error.what()).find(c.named), std::string::npos) << error.what();
        }
    }
}

TEST_F(OptionsFile, BadCommandLines) {
    EXPECT_THROW(read({"--config", "/nonexistent/file"}), OptionError);
    EXPECT_THROW(read({"--nonsense"}), OptionError);
    EXPECT_THROW(read({"stray"}), OptionError);
    EXPECT_THROW(read({"--state-dir"}), OptionError);
}

TEST_F(OptionsFile, HelpAndVersionAreAnswered) {
    testing::internal::CaptureStdout();
    EXPECT_FALSE(read({"--help"}));
    EXPECT_FALSE(read({"--version"}));
    std::string said = testing::internal::GetCapturedStdout();
    EXPECT_NE(said.find("state-dir"), std::string::npos);
    EXPECT_NE(said.find(FEDGE_VERSION), std::string::npos);
}

}  // namespace
}  // namespace fedge::control
