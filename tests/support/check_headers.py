#!/usr/bin/env python3
"""Compile every header alone, twice included.

A header that its own source file includes first has compiled alone already, when that file did; of such a header only the
guard is looked at. Headers given as arguments are compiled in any case.

Usage: check_headers.py SOURCE_ROOT BUILD_ROOT [HEADER...]

The flags of a header are those of a source file of the same folder (or of the nearest folder above it, or of any source
when there is none), taken from BUILD_ROOT/compile_commands.json, so that a header sees only what its module depends on.
Prints the compiler's messages for each header that fails; exit status 1 if any did, 2 if the build directory is unusable.
"""

import concurrent.futures
import functools
import json
import os
import pathlib
import shlex
import subprocess
import sys

FOLDERS = ("dataplane", "control", "appliance", "tests", "perf")
# Options that name an input or an output of the original command; those of the second set take a value behind a space.
DROP_ALONE = {"-c", "-MD", "-MMD", "-pipe", "-fcolor-diagnostics", "-fdiagnostics-color=always"}
DROP_WITH_VALUE = {"-o", "-MF", "-MQ", "-MT"}


def flags_of(command):
    words = shlex.split(command["command"]) if "command" in command else list(command["arguments"])
    kept = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in DROP_WITH_VALUE:
            skip = True
        elif word not in DROP_ALONE and word != command["file"]:
            kept.append(word)
    return kept


def load_commands(source_root, build_root):
    """Folder below source_root -> compile command of one of its C++ sources."""
    by_folder = {}
    for entry in json.loads((build_root / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix == ".cpp" and source_root in path.parents and build_root not in path.parents:
            by_folder.setdefault(path.parent.relative_to(source_root), entry)
    return by_folder


def proven(header, source_root, build_root):
    """True when the source file of the same name is built and includes this header before anything else."""
    source = (source_root / header).with_suffix(".cpp")
    if str(source) not in compiled_sources(build_root) or "#pragma once\n" not in (source_root / header).read_text():
        return False
    first = next((line for line in source.read_text().splitlines() if line.startswith("#include")), "")
    return first == f'#include "{header}"'


@functools.cache
def compiled_sources(build_root):
    entries = json.loads((build_root / "compile_commands.json").read_text())
    return {str((pathlib.Path(entry["directory"]) / entry["file"]).resolve())
            for entry in entries if (pathlib.Path(entry["directory"]) / entry["output"]).exists()}


def command_for(header, by_folder):
    for folder in header.parents:
        if folder in by_folder:
            return by_folder[folder]
    return next(iter(by_folder.values()))


def check(header, by_folder, build_root):
    """By way of files, so that a compiler cache can answer."""
    source = build_root / "headers" / header.with_suffix(".cpp")
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(f'#include "{header}"\n#include "{header}"\n')
    entry = command_for(header, by_folder)
    names = [os.path.relpath(path, entry["directory"]) for path in (source, source.with_suffix(".o"))]
    result = subprocess.run(flags_of(entry) + ["-c", names[0], "-o", names[1]], cwd=entry["directory"], text=True,
                            capture_output=True, check=False)
    return header, result


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    source_root, build_root = (pathlib.Path(a).resolve() for a in arguments[:2])
    try:
        by_folder = load_commands(source_root, build_root)
    except OSError as error:
        print(f"no compile commands: {error}; run `meson setup {build_root}` first", file=sys.stderr)
        return 2
    headers = [pathlib.Path(a) for a in arguments[2:]] or sorted(
        path.relative_to(source_root) for folder in FOLDERS for path in (source_root / folder).rglob("*.h"))
    count = len(headers)
    if not arguments[2:]:
        headers = [header for header in headers if not proven(header, source_root, build_root)]
    if not headers or not by_folder:
        print("nothing to check", file=sys.stderr)
        return 2
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, result in pool.map(lambda h: check(h, by_folder, build_root), headers):
            if result.returncode:
                failed += 1
                print(f"{header} does not compile alone:\n{result.stderr}", file=sys.stderr)
    print(f"{count} headers, {len(headers)} compiled by themselves, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
