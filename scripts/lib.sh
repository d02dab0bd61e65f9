# What the scripts share; to be sourced by bash. Progress goes to the screen with the elapsed time; whatever was
# registered with on_exit is undone in reverse order, also after a failure or Ctrl-C.
# shellcheck shell=bash

FEDGE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

step() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
note() { printf '        %s\n' "$*"; }

fail() {
    printf '[%4ds] FAILED: %s\n' "$SECONDS" "$*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" -eq 0 ] || fail "$1 needs root (namespaces, raw packets); run it with sudo"
}

declare -a EXIT_ACTIONS=()

run_exit_actions() {
    local status=$? i
    trap - EXIT
    set +e
    for ((i = ${#EXIT_ACTIONS[@]} - 1; i >= 0; i--)); do eval "${EXIT_ACTIONS[$i]}"; done
    exit "$status"
}

# on_exit COMMAND: a shell command to run when the script ends, however it ends.
on_exit() {
    EXIT_ACTIONS+=("$1")
    trap run_exit_actions EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# wait_for SECONDS COMMAND...: true as soon as the command succeeds, false when the time is up.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# stop_pid PID [SECONDS]: TERM, then KILL when it does not end in time. Only for processes that the caller started.
stop_pid() {
    local pid=$1 tries=$((${2:-5} * 10))
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    kill -KILL "$pid" 2>/dev/null || true
}

# install_missing KIND...: the packages of scripts/packages that are not there yet. Touches the network only then.
install_missing() {
    local kind name log
    local -a missing=()
    for kind in "$@"; do
        while read -r name; do
            [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
        done < <("$FEDGE_ROOT/scripts/packages" "$kind")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        step "packages: all there"
        return 0
    fi
    need_root "installing packages"
    command -v apt-get >/dev/null || fail "not a Debian system; install these by hand: ${missing[*]}"
    step "packages: installing ${missing[*]}"
    log=$(mktemp)
    if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
        "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: ${missing[*]}"
    fi
    rm -f "$log"
    step "packages: installed"
}

# build_fedge KIND TARGET...: configures build-KIND (once) and builds the targets, by the names of programs or as ninja calls
# them. There are three kinds, so that nothing is compiled twice:
#   release   what is installed: quickstart, interoperability, benchmarks
#   asan      clang with AddressSanitizer, UndefinedBehaviorSanitizer and coverage feedback: unit tests, fuzzers
#   tsan      clang with ThreadSanitizer: unit tests with threads
# Progress is shown every ten seconds, the compiler's output when it fails.
build_fedge() {
    local kind=$1 dir=$FEDGE_ROOT/build-$1 cache="" log status=0 pid last name
    shift
    local -a options=() compilers=() targets=()
    command -v ccache >/dev/null && cache="ccache "
    # Paths relative to the root, so that another clone finds what this one compiled.
    export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$FEDGE_ROOT} CCACHE_NOHASHDIR=1
    case "$kind" in
        release)
            compilers=("CC=${cache}gcc" "CXX=${cache}g++")
            options=(--buildtype=release -Doptimization=2)
            ;;
        asan)
            compilers=("CC=${cache}clang" "CXX=${cache}clang++")
            # Line tables are all that a sanitizer's report needs.
            # shellcheck disable=SC2054 # the commas are meson's
            options=(-Db_sanitize=address,undefined -Db_lundef=false -Ddebug=false -Doptimization=1
                "-Dcpp_args=['-gline-tables-only', '-D_GLIBCXX_ASSERTIONS']")
            ;;
        tsan)
            compilers=("CC=${cache}clang" "CXX=${cache}clang++")
            # DPDK's rings with the atomics of C11: those of x86 are assembly, which the sanitizer cannot see.
            # shellcheck disable=SC2054 # the commas are meson's
            options=(-Db_sanitize=thread -Db_lundef=false -Ddebug=false -Doptimization=1
                "-Dcpp_args=['-gline-tables-only', '-DRTE_USE_C11_MEM_MODEL']")
            ;;
        *) fail "there is no build called $kind" ;;
    esac
    log=$(mktemp)
    if [ ! -f "$dir/build.ninja" ]; then
        step "build: configuring build-$kind"
        if ! env "${compilers[@]}" meson setup "$dir" "$FEDGE_ROOT" "${options[@]}" >"$log" 2>&1 </dev/null; then
            tail -n 30 "$log" >&2
            rm -rf "$log" "$dir"
            fail "meson setup failed"
        fi
    fi
    for name in "$@"; do targets+=("$(target "$dir" "$name")"); done
    step "build: compiling build-$kind"
    ninja -C "$dir" -j "${FEDGE_JOBS:-$(nproc)}" "${targets[@]}" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        if [ $((SECONDS % 10)) -eq 0 ]; then
            last=$(tr '\r' '\n' <"$log" | grep -o '^\[[0-9]*/[0-9]*\]' | tail -n 1)
            [ -z "$last" ] || step "build: $last"
        fi
    done
    wait "$pid" || status=$?
    if [ "$status" -ne 0 ]; then
        grep -E 'error|FAILED|undefined' "$log" | head -n 30 >&2
        tail -n 15 "$log" >&2
        rm -f "$log"
        fail "build of build-$kind failed"
    fi
    rm -f "$log"
    step "build: build-$kind done"
}

# binary DIRECTORY NAME: path of a built program.
binary() {
    local path
    path=$(find "$1" -type f -name "$2" -perm -u+x -print -quit)
    [ -n "$path" ] || fail "$1 holds no program $2"
    printf '%s\n' "$path"
}

# target DIRECTORY NAME: what ninja calls that program or alias; a name with a slash is ninja's already.
target() {
    local name
    case "$2" in */*) printf '%s\n' "$2" && return ;; esac
    name=$(ninja -C "$1" -t targets all | sed -n "s#^\(\(.*/\)\?$2\): \(cpp_LINKER\|phony\).*#\1#p" | head -n 1)
    [ -n "$name" ] || fail "the build has no program $2"
    printf '%s\n' "$name"
}
