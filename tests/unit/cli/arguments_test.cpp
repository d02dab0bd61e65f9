// Command lines without an edge: parsing, help, and what is said to a typing error.
#include <gtest/gtest.h>

#include "appliance/cli/command.h"
#include "appliance/cli/help.h"
#include "tests/unit/cli/ran.h"

namespace fedge::cli::test {
namespace {

TEST(Commands, EachHasASummaryHelpAndExamplesThatParse) {
    for (const Command& command : all_commands()) {
        SCOPED_TRACE(command.path);
        EXPECT_FALSE(command.summary.empty());
        ASSERT_NE(command.run, nullptr);
        ASSERT_FALSE(command.examples.empty());
        bool own_example = false;
        for (const Example& example : command.examples) {
            SCOPED_TRACE(example.line);
            EXPECT_TRUE(std::string(example.line).starts_with("fedge "));
            const std::vector<std::string> words = split(example.line);
            const Found found = find_command(words);
            ASSERT_NE(found.command, nullptr);
            own_example |= found.command->path == command.path;
            const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(found.words), words.end());
            EXPECT_NO_THROW(parse_arguments(*found.command, rest));
        }
        EXPECT_TRUE(own_example);
    }
}

TEST(Commands, HelpWorksBothWays) {
    for (const Command& command : all_commands()) {
        SCOPED_TRACE(command.path);
        std::vector<std::string> words = split(command.path);
        words.push_back("--help");
        const Ran by_option = ran({}, words);
        words.pop_back();
        words.insert(words.begin(), "help");
        const Ran by_command = ran({}, words);
        EXPECT_EQ(by_option.exit, 0);
        EXPECT_EQ(by_command.exit, 0);
        EXPECT_EQ(by_option.out, by_command.out);
        EXPECT_NE(by_option.out.find("Usage: fedge " + command.path), std::string::npos);
        EXPECT_NE(by_option.out.find("Examples:"), std::string::npos);
        EXPECT_NE(by_option.out.find("Exit codes:"), std::string::npos);
        for (const Option& option : command.options)
            EXPECT_NE(by_option.out.find(option.help), std::string::npos) << option.name;
    }
}

TEST(Commands, NoneTakesAPasswordAsArgument) {
    for (const Command& command : all_commands())
        for (const Option& option : command.options) {
            EXPECT_STRNE(option.name, "password");
            EXPECT_STRNE(option.name, "secret");
        }
}

TEST(CommandLine, ErrorsSayWhatToDo) {
    const struct {
        const char* line;
        const char* error;
        const char* fix;
    } rows[] = {
        {"fedge show stauts", "there is no command 'fedge show stauts'", "did you mean fedge show status?"},
        {"fedge shwo status", "there is no command 'fedge shwo'", "did you mean fedge show?"},
        {"fedge frobnicate", "there is no command 'fedge frobnicate'", "see: fedge help"},
        {"fedge turn user", "fedge turn user needs one more word", "see: fedge help turn user"},
        {"fedge show streams --limt 3", "no option --limt", "did you mean --limit?"},
        {"fedge show streams --lim 3", "no option --lim", "did you mean --limit?"},
        {"fedge show streams --limit", "fedge show streams: ", "see: fedge help show streams"},
        {"fedge show streams --limit x", "--limit: 'x' is not a whole number", nullptr},
        {"fedge show streams --limit -1", "--limit: '-1' is not a whole number", nullptr},
        {"fedge show streams --limit 1 --limit 2", "--limit is given twice", nullptr},
        {"fedge show streams --positional x", "no option --positional", nullptr},
        {"fedge show streams --allocation 0", "from 1 to", nullptr},
        {"fedge show status extra", "'extra' is one word too many", "usage: fedge show status"},
        {"fedge set turn.realm", "VALUE is missing", "usage: fedge set KEY VALUE..."},
        {"fedge unset", "KEY is missing", nullptr},
        {"fedge drain maybe", "takes on or off, not 'maybe'", nullptr},
        {"fedge rollback three", "REV: 'three' is not a whole number", nullptr},
        {"fedge diff 1 2 3", "'3' is one word too many", nullptr},
        {"fedge turn disconnect", "needs either --user or --allocation", "see: fedge help turn disconnect"},
        {"fedge turn disconnect --user a --allocation 1", "needs either --user or --allocation", nullptr},
        {"fedge turn secret rotate --keep soon", "--keep: 'soon' is not a duration", "15m"},
        {"fedge turn user add alice secret", "'secret' is one word too many", nullptr},
        {"fedge turn user add alice --password secret", "no option --password", "did you mean --password-file?"},
        {"fedge turn user add alice --password-file /nonexistent", "No such file", "readable file"},
        {"fedge cert generate edge", "HOST is missing", "usage: fedge cert generate NAME HOST..."},
        {"fedge cert generate edge a.example.org --rsa --ecdsa", "exclude each other", nullptr},
        {"fedge cert import edge", "--cert FILE is missing", "name a file"},
        {"fedge cert import edge --cert /nonexistent", "--cert: /nonexistent: No such file", "readable file"},
        {"fedge cert import edge --cert /dev/null", "--cert: /dev/null: nothing in it", nullptr},
        {"fedge cert import edge --cert /dev/zero", "--cert: /dev/zero is longer than 512 KiB", nullptr},
        {"fedge cert import edge --cert /proc/version", "--cert: /proc/version is not PEM", "openssl x509"},
        {"fedge cert import edge --cert - --key -", "cannot both be standard input", nullptr},
        {"fedge cert ocsp import edge", "--file FILE is missing", nullptr},
        {"fedge cert trust add lab", "--file FILE is missing", nullptr},
        {"fedge cert crl import --file -", "--file: standard input is empty", nullptr},
        {"fedge explain connection", "ID|ADDRESS:PORT is missing", nullptr},
        {"fedge explain federation a@b.example", "TO is missing", nullptr},
        {"fedge explain federation a@b.example c@d.example --cert x.example", "--cert is about inbound messages",
         "add --inbound"},
        {"fedge ports --lang fr", "there are no texts in language 'fr'", "give one of en, es, pt, ru"},
        {"fedge monitor --interval 0", "--interval: '0' is not a number of seconds", nullptr},
        {"fedge completion fish", "no completion for 'fish'", "fedge completion bash"},
        {"fedge show config --candidate --revision 1", "exclude each other", nullptr},
        {"fedge help show stauts", "there is no command 'fedge show stauts'", nullptr},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.line);
        const Ran result = ran({}, split(row.line));
        EXPECT_EQ(result.exit, 2);
        EXPECT_EQ(result.out, "");
        EXPECT_NE(result.err.find(row.error), std::string::npos) << result.err;
        if (row.fix) {
            EXPECT_NE(result.err.find(row.fix), std::string::npos) << result.err;
        }
    }
}

TEST(CommandLine, UsageErrorsAreJsonOnRequest) {
    const Ran result = ran({}, {"show", "status", "--bogus", "--json"});
    EXPECT_EQ(result.exit, 2);
    const Json error = Json::parse(result.err);
    EXPECT_EQ(error["exit"], 2);
    EXPECT_EQ(error["error"], "fedge show status has no option --bogus");
}

TEST(CommandLine, OptionsMayStandAnywhere) {
    for (const char* line :
         {"fedge --socket /nonexistent/a show status", "fedge show --socket /nonexistent/a status",
          "fedge show status --socket=/nonexistent/a", "fedge --json show --socket /nonexistent/a status"}) {
        const Ran result = ran({}, split(line));
        EXPECT_EQ(result.exit, 3) << line;
        EXPECT_NE(result.err.find("/nonexistent/a"), std::string::npos) << line << result.err;
    }
}

TEST(CommandLine, OverviewVersionAndGroups) {
    EXPECT_EQ(ran({}, {}).exit, 2);
    EXPECT_EQ(ran({}, {"--help"}).exit, 0);
    EXPECT_EQ(ran({}, {"--help"}).out, ran({}, {"help"}).out);
    EXPECT_EQ(ran({}, {"--version"}).out, "fedge " FEDGE_VERSION "\n");
    const Ran group = ran({}, {"turn", "user", "--help"});
    EXPECT_EQ(group.exit, 0);
    EXPECT_EQ(group.out, ran({}, {"help", "turn", "user"}).out);
    EXPECT_EQ(group.out.find("turn secret"), std::string::npos);
    for (const Command& command : all_commands())
        EXPECT_EQ(ran({}, {"help"}).out.find("  " + command.path + " ") != std::string::npos, !command.hidden)
            << command.path;
}

}  // namespace
}  // namespace fedge::cli::test
