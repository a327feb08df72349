"""Telling an address of a person's choice that a run has ended."""

import json
import urllib.request
from http.client import HTTPException

from distmat.jobs.states import State
from distmat.runs.run import Run

TIMEOUT = 10.0
"""Seconds that an address may take."""

_VERBS = {
    State.FINISHED: "has finished",
    State.STOPPED: "was stopped",
    State.FAILED: "has failed",
    State.CRASHED: "has crashed",
}


def message(run: Run) -> dict:
    """What is posted: ``text`` for chat programs, ``run`` for others."""
    cause = f": {run.cause}" if run.cause else "."
    return {
        "event": run.state.lower(),
        "text": f"{run.name} ({run.id}) {_VERBS.get(run.state, 'has changed')}{cause}",
        "run": run.as_dict(),
    }


def post(run: Run) -> bool:
    """Post the message to the run's webhook; whether it was taken."""
    request = urllib.request.Request(  # noqa: S310  (the store lets in http and https alone)
        run.webhook,
        data=json.dumps(message(run)).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "distmat"},
        method="POST",
    )
    try:
        with _opener().open(request, timeout=TIMEOUT):
            return True
    except (OSError, HTTPException, ValueError):
        return False


def _opener() -> urllib.request.OpenerDirector:
    # Neither files nor redirects to somewhere else.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener
