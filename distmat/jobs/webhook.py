"""Telling an address of a person's choice that a run has ended."""

import json
import urllib.request
from http.client import HTTPException
from typing import Any

from distmat.jobs.job import Job
from distmat.jobs.states import State

TIMEOUT = 10.0
"""Seconds that an address may take."""

_VERBS = {
    State.FINISHED: "has finished",
    State.STOPPED: "was stopped",
    State.FAILED: "has failed",
    State.CRASHED: "has crashed",
}


def message(job: Job) -> dict[str, Any]:
    """What is posted: ``text`` for chat programs, ``run`` for others."""
    cause = f": {job.cause}" if job.cause else "."
    return {
        "event": job.state.lower(),
        "text": f"{job.name} ({job.id}) {_VERBS.get(job.state, 'has changed')}{cause}",
        "run": job.as_dict(),
    }


def post(job: Job) -> bool:
    """Post the message to the run's webhook; whether it was taken."""
    request = urllib.request.Request(  # noqa: S310  (the store lets in http and https alone)
        job.webhook,
        data=json.dumps(message(job)).encode(),
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
