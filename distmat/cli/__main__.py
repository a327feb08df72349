"""`python -m distmat.cli`, where the command isn't on the PATH."""

from distmat.cli import run

run()
