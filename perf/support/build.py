"""The release build that benchmarks run from."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-release"


def build(programs):
    """{name: path}; builds those programs. The output of the build is shown only when it fails."""
    _run(ROOT / "scripts/build", "release", *programs.values())
    return {name: BUILD / path for name, path in programs.items()}


def _run(*command):
    done = subprocess.run([str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"perf/run: {command[0]} failed:\n{done.stdout[-4000:]}")
