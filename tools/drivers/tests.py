"""Tests of CONFORMANCE.md's keeping: python3 tools/drivers/tests.py"""

import unittest
from pathlib import Path

import page
from page import NOT_CHECKED, NOT_RUN, Page, Section

COMMITTED = (Path(__file__).parents[2] / "CONFORMANCE.md").read_text()


def driver(name: str, tests: list[str], error: str) -> list[str]:
    return [f"`{name}`: driver", *tests, error, "-", "same bytes", "-", "0"]


class Pages(unittest.TestCase):
    def setUp(self) -> None:
        self.earlier = Page(
            rows={"a": driver("a", ["9", "0", "0"], "1"), "b": driver("b", ["8", "0", "1"], "2")},
            test_notes={"b": ["skipped, since there are none: subgroups::of_eight"]},
            notes={"b": ["conformance ended with exit code 1"]},
            sections={"Networks": Section("Errors.", {"tiny": {"a": "1", "b": "2"}, "gone": {"b": "2 \\| 3"}})},
            wrong={"a": ["tiny: WRONG"], "b": ["gone: WRONG"]},
        )
        self.new = Page(
            rows={"b": driver("b", NOT_RUN, "3")},
            sections={"Networks": Section("Errors.", {"tiny": {"b": "3"}, "large": {"b": "4"}})},
        )

    def test_the_committed_page_is_read_whole(self) -> None:
        told = page.parse(COMMITTED)
        self.assertGreater(len(told.rows), 10)
        again = page.render(page.put_together(Page(), told, list(told.rows)), "a CPU")
        differing = [(a, b) for a, b in zip(COMMITTED.splitlines(), again.splitlines(), strict=True) if a != b]
        # The CPU that ran it last.
        self.assertLessEqual(len(differing), 1, differing)

    def test_what_is_written_is_read(self) -> None:
        written = page.render(self.earlier, "a CPU")
        self.assertEqual(page.render(page.parse(written), "a CPU"), written)
        self.assertIn("- 1: tiny: WRONG", written)
        self.assertIn("| gone | - | 2 \\| 3 |", written)

    def test_drivers_that_were_not_run_keep_what_is_told(self) -> None:
        joined = page.put_together(self.new, self.earlier, ["a", "b", "c"])
        self.assertEqual(joined.rows["a"], self.earlier.rows["a"])
        self.assertEqual(joined.rows["c"][0], "`c`: not run")
        self.assertEqual(joined.sections["Networks"].rows, {"tiny": {"a": "1", "b": "3"}, "large": {"b": "4"}})
        self.assertEqual(joined.wrong, {"a": ["tiny: WRONG"], "b": [], "c": []})

    def test_checks_without_tests_keep_the_tests(self) -> None:
        joined = page.put_together(self.new, self.earlier, ["a", "b"])
        self.assertEqual(joined.rows["b"], driver("b", ["8", "0", "1"], "3"))
        self.assertEqual(joined.test_notes["b"], self.earlier.test_notes["b"])
        self.assertEqual(joined.notes["b"], [])

    def test_tests_without_checks_keep_the_checks(self) -> None:
        failed = {"b": ["FAILED subgroups::of_eight"]}
        new = Page(rows={"b": ["`b`", "7", "1", "0", *NOT_CHECKED]}, test_notes=failed)
        joined = page.put_together(new, self.earlier, ["a", "b"])
        self.assertEqual(joined.rows["b"], driver("b", ["7", "1", "0"], "2"))
        self.assertEqual((joined.test_notes["b"], joined.notes["b"]), (failed["b"], self.earlier.notes["b"]))
        self.assertEqual(joined.sections, self.earlier.sections)


if __name__ == "__main__":
    unittest.main()
