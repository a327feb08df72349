"""Documents that are true: each command is one that the program knows, each snippet runs."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from distmat.cli import _parser, main
from distmat.cli.train import _config
from distmat.dataset import synthetic
from distmat.report.messages import MESSAGES
from distmat.report.troubleshooting import troubleshooting
from distmat.runs.diagnosis.finding import SENTENCES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md")])
NOTEBOOKS = sorted(DOCS.rglob("*.ipynb"))

FENCED = re.compile(r"^([ \t]*)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (distmat [^\n]+)$", re.MULTILINE)

pytestmark = pytest.mark.xdist_group("docs")


def blocks(path, language):
    """Texts of the fenced blocks of a language."""
    return [match[3] for match in FENCED.finditer(path.read_text()) if match[2] == language]


def commands(path):
    """Words of each command of ours that a page tells to type."""
    lines = [line.strip() for block in blocks(path, "sh") for line in block.splitlines()]
    lines += INDENTED.findall(FENCED.sub("", path.read_text()))
    for line in lines:
        line = re.split(r"\s[>|&]", line)[0]
        words = shlex.split(line)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words and words[0] == "distmat":
            yield words[1:]


ALL = [(path, words) for path in PAGES for words in commands(path)]


def test_there_are_commands_to_look_at():
    assert len(ALL) > 60 and {path.name for path, _ in ALL} >= {"README.md", "tour.md", "slurm.md"}


@pytest.mark.parametrize(
    ("path", "words"), ALL, ids=[f"{path.stem}: {' '.join(words)}"[:90] for path, words in ALL]
)
def test_a_command_of_the_documents_is_one_that_the_program_knows(path, words):
    # The head that the page tells to write isn't installed here.
    if path.name == "own_head.md" and words[0] == "train":
        words = words[: words.index("--set")]
    options = _parser().parse_args(words)
    if words[0] == "train":
        # Its settings, too.
        _config(options)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_of_the_documents_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", FENCED.sub("", path.read_text())):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), target


@pytest.fixture
def ran(tmp_path, monkeypatch, capsys):
    """Runs a text as a script of its own, in an empty folder and workspace; what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "agg")

    def run(code):
        exec(compile(code, "<page>", "exec"), {"__name__": "__main__"})
        return capsys.readouterr().out

    return run


SNIPPETS = [
    path for path in PAGES if (blocks(path, "python") and path.parent.name != "docs")
    or path.name == "tour.md"
]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [p for p in SNIPPETS if p.name != "README.md"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_snippets_of_a_page_run_one_after_the_other(path, ran):
    ran("\n".join(blocks(path, "python")))


def test_the_snippet_of_the_readme_runs_on_a_structure(ran, tmp_path):
    from distmat.protein.examples import examples
    from distmat.protein.structure.write import write_mmcif

    chain = examples()[0].read()
    (tmp_path / "1abc.cif").write_text(write_mmcif(chain.sequence, chain.ca.astype(float)))
    ran("\n".join(blocks(ROOT / "README.md", "python")))


def test_the_chinese_tour_types_nothing_else_than_the_english_one():
    own, theirs = list(commands(DOCS / "zh" / "tour.md")), list(commands(DOCS / "tour.md"))
    assert own and all(words in theirs for words in own)


@pytest.mark.parametrize("path", sorted((DOCS / "how-to").glob("*.md")), ids=lambda path: path.stem)
def test_each_how_to_is_there_in_chinese_with_the_same_commands(path):
    chinese = DOCS / "zh" / "how-to" / path.name
    in_chinese = [
        [word for word in words if word not in ("--lang", "zh")] for words in commands(chinese)
    ]
    assert in_chinese == list(commands(path))
    assert len(blocks(chinese, "python")) == len(blocks(path, "python"))


def test_no_page_names_an_address_of_the_project_that_nobody_knows():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {})
    named = {
        found
        for path in [*PAGES, DOCS / "hooks.py", ROOT / "mkdocs.yml", ROOT / "CITATION.cff"]
        for found in re.findall(r"https?://[^\s)>\"']*distmat[^\s)>\"']*", path.read_text())
    }
    assert {one for one in named if ".example.org/" not in one} <= set(known.values())


@pytest.fixture
def few_chains(monkeypatch):
    """A synthetic set of a fifth of its size: making all 400, and scoring 40, takes long."""
    monkeypatch.setattr(synthetic, "CHAINS", 80)


def test_the_tour_can_be_typed_as_it_stands(few_chains, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    for words in commands(DOCS / "tour.md"):
        assert main(words) == 0, (words, capsys.readouterr().err)
    assert (tmp_path / "first").is_dir() and (tmp_path / "quick" / "distmat.json").is_file()


# Where nobody looks, there is nothing to show.
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_carries_no_output(path, few_chains, ran):
    content = json.loads(path.read_text())
    assert content["nbformat"] == 4
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    said = ran("\n".join("".join(cell["source"]) for cell in cells))
    assert "knowing only the separation" in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_troubleshooting_has_every_complaint_and_no_praise(language):
    page = troubleshooting(language)
    assert "{" not in page and "}" not in page
    told = {kind for kind in SENTENCES if f"advice_{kind}" in MESSAGES}
    for kind in told:
        assert MESSAGES[f"advice_{kind}"][language] in page, kind
    assert page.count("**") == 2 * len(
        told | {"loss_nan", "checkpoints_unreadable", "throughput_falling", "gpu_unused"}
        | {"memory_tight", "disk_low", "stalled"}
    )  # fmt: skip


def test_the_site_s_contents_name_every_page_and_no_other():
    class Loader(yaml.SafeLoader):
        pass

    content = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)

    def pages(part):
        if isinstance(part, str):
            return [part]
        values = part.values() if isinstance(part, dict) else part
        return [page for value in values for page in pages(value)]

    listed = pages(content["nav"])
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(there)
