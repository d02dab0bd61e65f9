#!/usr/bin/python3
"""Every command that the documentation shows exists. Usage: readme_commands.py ROOT FEDGE_PROGRAM

Looks at the indented and fenced code of README.md and every */README.md: a line that starts with scripts/NAME, tests/...,
perf/... or .ci/... must name a file that can be run, and a line `fedge WORDS` a command that `fedge help WORDS` knows.
"""
import pathlib
import re
import shlex
import subprocess
import sys


def code_lines(text):
    """(line number, line) of fenced blocks, prompts removed, and of `inline` commands."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, re.sub(r"^\s*([$#] )?(sudo )?", "", line)
        else:
            for inline in re.findall(r"`((?:\./)?(?:scripts|perf|tests|\.ci)/[^`]*|fedge [a-z][^`]*)`", line):
                yield number, inline


def problem_of(line, root, fedge):
    """What is wrong with the command, or None."""
    script = re.match(r"(?:\./)?((?:scripts|perf|tests|\.ci)/[A-Za-z0-9_./-]+)", line)
    if script:
        path = root / script.group(1)
        if not path.exists():
            return f"{script.group(1)} does not exist"
        # A path may also be named as a file to read; with arguments it is meant to be run.
        if path.is_file() and line.strip() != script.group(1) and not path.stat().st_mode & 0o111:
            return f"{script.group(1)} cannot be run"
        return None
    if not re.match(r"fedge [a-z]", line):
        return None
    try:
        words = shlex.split(line, comments=True)[1:]
    except ValueError as error:
        return f"cannot be read: {error}"
    # "show status|cores": each alternative is a command.
    for alternative in expand(words):
        if not known(alternative, fedge):
            return f"`fedge {' '.join(alternative)}` is no command"
    return None


def expand(words):
    lists = [[]]
    for word in words:
        if not re.fullmatch(r"[a-z|]+(-[a-z]+)*", word):
            break
        lists = [known_part + [choice] for known_part in lists for choice in word.split("|")]
    return lists


def known(words, fedge):
    """True when the words begin with a command; what follows are its arguments."""
    if words and words[0] == "help":
        return True
    for length in range(len(words), 0, -1):
        done = subprocess.run([fedge, "help", *words[:length]], capture_output=True, text=True, timeout=10)
        if done.returncode == 0:
            return True
    return False


def main(root, fedge):
    root = pathlib.Path(root)
    pages = [root / "README.md", *sorted(p for p in root.glob("*/README.md"))]
    if not pages[0].exists():
        print("README.md is missing")
        return 1
    checked = bad = 0
    for page in pages:
        for number, line in code_lines(page.read_text()):
            if not re.match(r"(?:\./)?(scripts|perf|tests|\.ci)/|fedge [a-z]", line):
                continue
            checked += 1
            problem = problem_of(line, root, fedge)
            if problem:
                bad += 1
                print(f"{page.relative_to(root)}:{number}: {problem}: {line}")
    print(f"{checked} commands, {bad} wrong")
    return 1 if bad or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
