"""For every test, before anything heavy is imported: one thread each, and no library by itself.

And the quick tier: ``pytest -m quick`` runs what needs no network, process, browser or training.
"""

import gc
import os
import sys
from pathlib import Path

import pytest

from distmat import access

# Tests run side by side, and threads that wait for each other on busy cores made them ten times
# slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DISTMAT_LIBRARY"] = "none"
# What a page may use; the tests of access say otherwise.
os.environ["DISTMAT_DATA"] = "/"

HERE = Path(__file__).parent

QUICK = (
    "figures",
    "geometry",
    "jobs/test_exit_reason.py",
    "jobs/test_hardware.py",
    "jobs/test_journal.py",
    "jobs/test_lock.py",
    "jobs/test_log.py",
    "jobs/test_ttl_cache.py",
    "protein",
    "runs/test_compare.py",
    "scoring",
    "dataset/test_filters.py",
    "dataset/test_id_list.py",
    "dataset/test_schema.py",
    "dataset/test_store.py",
    "training/test_config.py",
    "test_documents.py",
    "test_errors.py",
    "test_imports.py",
    "test_workspace.py",
)
"""Folders and files of the quick tier."""

SLOW = (
    "geometry/test_reconstruction.py",
    "geometry/test_real_chains.py",
    "protein/structure/test_against_gemmi.py",
    "scoring/test_contacts.py",
    "scoring/test_registry.py",
)
"""What of them isn't."""


@pytest.fixture(autouse=True)
def _served_by_nobody():
    """A test that opened a page leaves no server to the next."""
    yield
    access.leave()


@pytest.fixture(autouse=True)
def _the_main_module_stays():
    """A page that ran as the main module isn't run again by each process that a test starts."""
    own = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = own


def is_quick(path: Path) -> bool:
    """Whether a file of tests is of the quick tier."""
    inside = path.relative_to(HERE)
    names = {str(inside), *map(str, inside.parents)}
    return bool(names & set(QUICK)) and str(inside) not in SLOW


def pytest_ignore_collect(collection_path, config):
    """In the quick tier nothing else is even imported."""
    asked = config.option.markexpr == "quick"
    if asked and collection_path.name.startswith("test_") and not is_quick(collection_path):
        return True
    return None


def pytest_collection_finish():
    """What was imported stays: the collector, which each training asks for, needn't look at it."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    for item in items:
        if is_quick(item.path):
            item.add_marker(pytest.mark.quick)
