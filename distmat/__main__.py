"""`python -m distmat`: the command."""

from distmat.cli import run

if __name__ == "__main__":
    run()
