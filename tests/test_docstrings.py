"""Docstrings as numpydoc's own validator reads them: what they say of parameters is so.

What a name and its type say already needs no words here (numpydoc's PR01), and what comes back is
often the summary itself (RT01).
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from numpydoc.validate import validate

import distmat

CHECKS = {
    "GL06": "a section that numpydoc doesn't know",
    "GL07": "sections in another order than numpydoc's",
    "GL08": "no docstring",
    "PR02": "a parameter that there isn't",
    "PR03": "parameters in another order than the signature's",
    "PR04": "a parameter without its type",
    "PR10": "no space before the colon of a parameter",
}
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(distmat.__path__, "distmat.")
    if "__main__" not in name
]


def public_objects(module) -> Iterator[str]:
    """Dotted names of what the module defines for others, and of the methods of its classes."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            yield f"{module.__name__}.{name}"
        if inspect.isclass(value):
            for method, function in vars(value).items():
                # A method that does what the base class says needs no words of its own.
                if (
                    not method.startswith("_")
                    and inspect.isfunction(function)
                    and function.__name__ == method
                    and (function.__doc__ or not inspect.getdoc(getattr(value, method)))
                ):
                    yield f"{module.__name__}.{name}.{method}"


def test_docstrings_tell_of_the_parameters_that_there_are():
    faults = []
    for name in MODULES:
        for place in public_objects(importlib.import_module(name)):
            errors = validate(place)["errors"]
            faults += [(place, code, text) for code, text in errors if code in CHECKS]
    assert not faults
