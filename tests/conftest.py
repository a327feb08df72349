"""For every test, before anything heavy is imported: one thread each, and no library by itself."""

import os

# Tests run side by side, and threads that wait for each other on busy cores made them ten times
# slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DISTMAT_LIBRARY"] = "none"
