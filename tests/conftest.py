"""For every test: predictions use no library unless a test asks for one."""

import os

os.environ["DISTMAT_LIBRARY"] = "none"
