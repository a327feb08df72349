"""Checkpoints take a while to get their name, so that a test can kill in the midst of it."""

import os
import time

_replace = os.replace


def replace(source, target, **options):
    if os.path.basename(target).startswith("checkpoint-"):
        time.sleep(0.4)
    return _replace(source, target, **options)


os.replace = replace
