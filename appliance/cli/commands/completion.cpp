#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

// The line is split here and not by COMP_WORDS, because bash breaks words at colons, of which IPv6 addresses are full.
constexpr const char* kBash = R"(# bash completion for fedge, made by: fedge completion bash
_fedge() {
    local line="${COMP_LINE:0:COMP_POINT}" words cur prefix
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cur="${words[-1]}"
    mapfile -t COMPREPLY < <("$1" complete -- "${words[@]:1}" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} == ":files" ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    # A key that goes on after a dot.
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *. ]] && compopt -o nospace
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        prefix="${cur%"${cur##*:}"}"
        COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    fi
}
complete -F _fedge fedge
)";

Exit run_completion(Session& session, const Arguments& arguments) {
    if (arguments.positional(0) != "bash")
        throw Failure(Exit::usage, "there is no completion for '" + arguments.positional(0) + "'",
                      "use: fedge completion bash");
    session.out() << kBash;
    return Exit::ok;
}

}  // namespace

Command completion() {
    return {.path = "completion",
            .summary = "print the completion script of a shell",
            .description =
                "scripts/install puts it where bash finds it. It completes commands, options, settings keys, users,\n"
                "secrets, certificates, revisions, allocations and connections.",
            .positionals = {{"bash", Words::shells}},
            .examples = {{"fedge completion bash", "prints the script"}},
            .run = run_completion};
}

}  // namespace fedge::cli
