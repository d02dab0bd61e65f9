"""Waiting for a condition instead of sleeping and hoping."""
import time


class TimedOut(AssertionError):
    """The condition did not become true in time."""


def wait_until(predicate, seconds, what):
    """The predicate's first true value, or TimedOut naming what was waited for and the last thing seen."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimedOut(f"waited {seconds} s for {what}; last value: {value!r}")
        time.sleep(0.02)
