#!/usr/bin/python3
"""Prints "passed failed skipped", counted over the test cases of meson's testlog.junit.xml, the only argument."""
import sys
import xml.etree.ElementTree


def main(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        # gtest writes disabled cases as status="notrun".
        if case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    # A test program that crashed leaves no cases, only the suite's own count of errors.
    for suite in xml.etree.ElementTree.parse(path).iter("testsuite"):
        if suite.find("testcase") is None:
            failed += max(1, int(suite.get("errors", "0")) + int(suite.get("failures", "0")))
    print(passed, failed, skipped)
    return 0 if passed + failed + skipped > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
