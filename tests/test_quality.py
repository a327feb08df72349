"""Lint, format and types, so that one command checks everything."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 450
"""Of a file of the package or of a page; a longer one is split by noun."""

NO_PARTICIPLES = {
    "embed",  # A verb.
    "setting",  # The noun: it declares one, as dataclasses.field does a field.
    "troubleshooting",  # The noun: the page of that name.
}
"""Names that only end like one."""


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["lint", "format", "types"],
)
def test_the_code_passes(command):
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "path",
    [p for p in sorted((ROOT / "distmat").rglob("*.py")) if "Exception" in p.read_text("utf-8")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_who_catches_everything_says_why_that_hides_no_fault_of_ours(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if _catches_everything(node) and not _raises_again(node):
            around = lines[node.lineno - 2 : node.lineno + 1]
            assert any("# " in line for line in around), f"{path}:{node.lineno} has no comment"


def test_no_file_is_so_long_that_it_holds_more_than_one_noun():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("distmat", "pages")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert not {path: count for path, count in lines.items() if count > MOST_LINES}


def test_functions_are_verbs():
    """None is a lone participle, which reads as a property would: ``thin``, not ``thinned``."""
    assert not {
        f"{path.relative_to(ROOT)}: {function.name}"
        for path in sorted((ROOT / "distmat").rglob("*.py"))
        for function in _public_functions(ast.parse(path.read_text(encoding="utf-8")))
        if re.fullmatch("[a-z]+(ed|ing)", function.name) and function.name not in NO_PARTICIPLES
    }


@pytest.mark.xdist_group("one worker")
def test_tests_of_a_group_go_to_one_worker(request):
    """Else what they share is made twice: pytest 9.2 and xdist 3.8 did so without a word."""
    workers = os.environ.get("PYTEST_XDIST_WORKER")
    assert workers is None or request.node.nodeid.endswith("@one worker")


def _public_functions(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Of a module and its classes, without properties and what is private or inside another."""
    for part in node.body:
        if isinstance(part, ast.ClassDef):
            yield from _public_functions(part)
        elif isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
            marks = set().union(*map(_names, part.decorator_list))
            if not marks & {"property", "cached_property"}:
                yield part


def _catches_everything(node: ast.AST) -> bool:
    """``except:``, ``except Exception``, ``suppress(Exception)`` and their like."""
    wide = {"Exception", "BaseException"}
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or bool(wide & _names(node.type))
    called = isinstance(node, ast.Call) and _names(node.func) & {"suppress"}
    return bool(called) and any(wide & _names(argument) for argument in node.args)


def _names(node: ast.AST) -> set[str]:
    found = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return found | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def _raises_again(node: ast.AST) -> bool:
    """Whether what was caught always goes on as it is."""
    body = getattr(node, "body", [])
    return bool(body) and isinstance(body[-1], ast.Raise) and body[-1].exc is None
