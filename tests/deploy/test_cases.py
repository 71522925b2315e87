"""tests/behaviour/CASES.md: every test it names exists, and every part of tests/peers."""

import re

from place import Check
from stage import PROJECT

TESTS = PROJECT / "tests"
CASES = TESTS / "behaviour" / "CASES.md"


class Cases(Check):
    def setUp(self):
        super().setUp()
        self.named = re.findall(r"`([^`]+)`", CASES.read_text().split("\n## ", 1)[1])

    def test_all_seventy_are_there_in_order(self):
        numbers = re.findall(r"^\| (\d+) ", CASES.read_text(), re.MULTILINE)
        self.assertEqual([int(number) for number in numbers], list(range(1, 71)))

    def test_every_test_named_exists_where_it_is_said_to_be(self):
        tests = [name.split("::") for name in self.named if "::" in name]
        self.assertGreater(len(tests), 80)
        for place, name in tests:
            with self.subTest(f"{place}::{name}"):
                self.assertTrue(any(defines(file, name) for file in files_of(place)), "there is no such test")

    def test_every_part_of_the_cases_beside_others_exists(self):
        cases = "".join(file.read_text() for file in (TESTS / "peers").rglob("*.rs"))
        parts = set(re.findall(r'Case::new\(\s*"([^"]+)"', cases))
        named = {name.removeprefix("peers ") for name in self.named if name.startswith("peers ")}
        self.assertEqual(named, parts)


def files_of(place):
    """Where a test of that place may be: a folder of the project, or a module of tests/behaviour."""
    if "/" in place:
        yield from (file for kind in ("rs", "py") for file in (PROJECT / place).rglob(f"*.{kind}"))
        return
    behaviour = TESTS / "behaviour"
    yield from behaviour.glob(f"**/{place}.rs")
    yield from (behaviour / place).glob("*.rs")


def defines(file, name):
    return re.search(rf"\b(?:fn|def) {name}\b", file.read_text()) is not None
