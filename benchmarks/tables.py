"""Where the benchmarks' tables go: each into its own part of this folder's ``README.md``."""

import sys
from pathlib import Path

README = Path(__file__).with_name("README.md")


def write_part(program: str, text: str) -> None:
    """Put the text between the two lines that mark a program's part."""
    first = f"<!-- written by {program}.py -->"
    last = f"<!-- end of what {program}.py wrote -->"
    before, found, rest = README.read_text(encoding="utf-8").partition(first)
    _, ended, after = rest.partition(last)
    if not (found and ended):
        sys.exit(f"{README} lacks the lines {first} and {last}.")
    README.write_text(f"{before}{first}\n\n{text.strip()}\n\n{last}{after}", encoding="utf-8")
