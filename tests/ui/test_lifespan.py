"""When a worker of the server gets ready."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from distmat.ui import lifespan, workers


def ask(path):
    answered = []

    async def app(scope, receive, send):
        answered.append(scope["path"])

    called = lifespan.WarmUp(app)({"type": "http", "path": path}, None, None)
    # Where a browser's test ran before, this thread has a loop already.
    with ThreadPoolExecutor(1) as other:
        other.submit(asyncio.run, called).result()
    assert answered == [path]


def test_a_worker_gets_ready_once_when_a_page_with_predictions_is_asked_for(monkeypatch):
    started = []

    class Workers:
        def warm_up(self):
            started.append("worker")

    monkeypatch.setattr(workers, "_workers", Workers)
    workers.warm_up.cache_clear()
    try:
        for path in ("/runs", "/_stcore/health", "/static/js/index.js", "/train"):
            ask(path)
        assert not started
        for path in ("/predict", "/", "/behind-a-proxy/predict"):
            ask(path)
        for thread in lifespan.threading.enumerate():
            if thread.name == "warm-up":
                thread.join(10)
        assert started == ["worker"]
    finally:
        workers.warm_up.cache_clear()
