"""What the server does with memory that it no longer needs."""

import subprocess
import sys

import pytest

from distmat.ui.memory import return_large_blocks

SCRIPT = """
import sys
import psutil
if sys.argv[1] == "returned":
    from distmat.ui.memory import return_large_blocks
    assert return_large_blocks()
large = bytearray(2**24)
del large
kept, blocks = [], []
for _ in range(200):
    blocks.append(bytearray(2**20))
    kept.append(bytearray(2**12))
before = psutil.Process().memory_info().rss
blocks.clear()
print((before - psutil.Process().memory_info().rss) // 2**20)
"""


def given_back(how):
    """MiB of 200 that a process gives back when it frees large blocks between small ones."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True)
    return int(done.stdout)


def test_large_blocks_are_given_back_when_they_are_freed():
    if not return_large_blocks():
        pytest.skip("the C library isn't glibc")
    assert given_back("returned") > 190 > 100 > given_back("kept")
