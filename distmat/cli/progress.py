"""Progress on standard error, so that standard output holds results alone."""

import sys
from collections.abc import Sequence


def bar(items: Sequence, text: str):
    """The items, with a progress bar on standard error if there are several and somebody looks."""
    from tqdm import tqdm

    return tqdm(items, desc=text, disable=len(items) < 2 or None, file=sys.stderr)


def counter(total: int, text: str):
    """A progress bar to `update`."""
    from tqdm import tqdm

    return tqdm(total=total, desc=text, disable=None, file=sys.stderr)
