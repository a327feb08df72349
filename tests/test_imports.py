"""The house: which room may know which, and where the things with one home live."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "distmat"

KNOWS = {
    "errors": set(),
    "access": {"errors"},
    "documents": set(),
    "settings": {"errors"},
    "csv_table": set(),
    "hub": {"errors"},
    "workspace": {"access", "errors", "hub"},
    "sharing": {"access", "errors", "documents", "hub", "workspace", "scoring", "dataset"},
    "limits": {"access", "errors", "workspace"},
    "protein": {"errors", "documents", "workspace"},
    "geometry": {"errors", "protein"},
    "scoring": {"errors", "protein", "geometry"},
    "dataset": {
        "access",
        "csv_table",
        "errors",
        "jobs",
        "documents",
        "settings",
        "workspace",
        "protein",
        "geometry",
        "scoring",
    },
    "library": {"errors", "jobs", "workspace", "protein", "geometry", "dataset"},
    "model": {
        "errors",
        "documents",
        "settings",
        "workspace",
        "protein",
        "geometry",
        "scoring",
        "library",
    },
    "prediction": {"errors", "protein", "geometry", "scoring", "library", "model"},
    "prediction_tasks": {"errors", "workspace", "protein", "library", "model", "prediction"},
    "history": {"access", "errors", "documents", "workspace", "protein"},
    "kept_files": {"access", "errors", "documents", "workspace"},
    "export": {
        "errors",
        "documents",
        "protein",
        "geometry",
        "scoring",
        "model",
        "prediction",
        "figures",
        "workspace",
    },
    "batch": {
        "export",
        "csv_table",
        "jobs",
        "errors",
        "documents",
        "workspace",
        "protein",
        "scoring",
        "dataset",
        "library",
        "model",
        "prediction",
    },
    "training": {
        "jobs",
        "errors",
        "documents",
        "settings",
        "workspace",
        "protein",
        "geometry",
        "scoring",
        "dataset",
        "library",
        "model",
    },
    "jobs": {"access", "limits", "errors", "documents", "settings", "workspace"},
    "runs": {
        "access",
        "errors",
        "documents",
        "settings",
        "workspace",
        "scoring",
        "jobs",
        "training",
    },
    "figures": {"errors", "protein", "geometry", "scoring"},
    "given_map": {"errors", "protein", "geometry", "scoring", "figures"},
    "report": {
        "jobs",
        "errors",
        "documents",
        "workspace",
        "protein",
        "geometry",
        "scoring",
        "dataset",
        "model",
        "figures",
        "training",
        "runs",
    },
    "ui": {
        "access",
        "csv_table",
        "limits",
        "jobs",
        "errors",
        "documents",
        "settings",
        "workspace",
        "protein",
        "geometry",
        "scoring",
        "dataset",
        "library",
        "model",
        "prediction",
        "prediction_tasks",
        "batch",
        "training",
        "runs",
        "report",
        "figures",
        "history",
        "kept_files",
        "export",
        "given_map",
    },
    "cli": {
        "access",
        "sharing",
        "limits",
        "jobs",
        "errors",
        "documents",
        "settings",
        "workspace",
        "protein",
        "geometry",
        "scoring",
        "dataset",
        "library",
        "model",
        "prediction",
        "batch",
        "training",
        "runs",
        "report",
        "figures",
        "export",
        "given_map",
    },
}
"""For each room of the package, the rooms that it may import from, besides itself."""

LIGHT = {
    "distmat.training.config",
    "distmat.training.evaluation_job",
    "distmat.training.memory",
    "distmat.training.presets",
    "distmat.training.run_folder",
    "distmat.training.watched_maps",
}
"""Of training, what every room that knows it may import: settings, without PyTorch."""

TRAINERS = ("distmat/training/", "distmat/cli/", "distmat/runs/worker.py")
"""The only places that may import the rest of training."""

HOMES = {
    "matplotlib": ("distmat/figures/printed.py",),
    "jinja2": ("distmat/report/",),
    "streamlit": ("app.py", "pages/", "distmat/ui/"),
    "transformers": ("distmat/model/", "distmat/training/"),
    "sqlite3": ("distmat/jobs/store/database.py",),
    "submitit": ("distmat/jobs/backends/slurm.py",),
    "biotite.structure.io": ("distmat/protein/structure/",),
}
"""Libraries, and the only places that may import them."""


def sources() -> list[Path]:
    return [ROOT / "app.py", *sorted(ROOT.glob("pages/*.py")), *sorted(PACKAGE.rglob("*.py"))]


@cache
def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "distmat" and len(parts) > 1 else None


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_run_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    known = KNOWS[own] | {own}
    entered = {room(module) for module in imported(path)} - {None, *_public_names()}
    assert entered <= known, f"{own} must not import from {entered - known}"


def _public_names() -> set[str]:
    import distmat

    return set(distmat.__all__) | {"DistmatError", "__version__"}


def test_only_the_worker_and_the_command_train():
    strangers = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources()
        if not str(path.relative_to(ROOT)).startswith(TRAINERS)
        for module in imported(path)
        if module.startswith("distmat.training.") and not module.startswith(tuple(LIGHT))
    ]
    assert not strangers


@pytest.mark.parametrize("library", HOMES)
def test_a_library_with_one_home_is_imported_nowhere_else(library):
    strangers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if any(name == library or name.startswith(f"{library}.") for name in imported(path))
        and not str(path.relative_to(ROOT)).startswith(HOMES[library])
    ]
    assert not strangers


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("eigsh(", "distmat/geometry/embedding.py"),
        ("eigh(", "distmat/geometry/"),
        ("go.Heatmap(", "distmat/figures/"),
        ("st.form(", "distmat/ui/"),
        ("Popen(", "distmat/jobs/processes.py"),
    ],
)
def test_what_has_one_home_is_done_nowhere_else(text, home):
    strangers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if text in path.read_text(encoding="utf-8")
        and not str(path.relative_to(ROOT)).startswith(home)
    ]
    assert not strangers


def test_no_two_modules_need_each_other():
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }
    needs = {name: _needed(path) & set(files) - {name} for name, path in files.items()}
    # Raises CycleError with the circle, also where an import stands in a function.
    order = list(TopologicalSorter(needs).static_order())
    assert set(order) == set(files)


def _needed(path: Path) -> set[str]:
    """Modules that are imported, but for the sake of a type alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = [
        n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)
    ]
    for node in typing:
        node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_only_backends_ask_which_backend_it_is():
    asking = [
        str(path.relative_to(ROOT))
        for path in sources()
        if "backend ==" in path.read_text(encoding="utf-8").replace("job.backend == name", "")
    ]
    assert not [path for path in asking if not path.startswith("distmat/jobs/backends/")]


def test_no_module_has_a_name_that_says_nothing():
    names = {path.stem for path in sources()}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc"}
