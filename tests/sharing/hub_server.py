"""A server that speaks what `huggingface_hub` uses of the hub's API to push and to fetch."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

TOKEN = "hf_token_of_the_test"


@contextmanager
def serving():
    """Serve an empty hub.

    Yields
    ------
    hub : namespace
        ``address``, ``repositories`` (name → path → bytes), ``private``, ``asked`` (paths so far)
        and ``cut``, names of files whose download breaks off.
    """
    hub = SimpleNamespace(repositories={}, private={}, blobs={}, asked=[], cut=set(), address="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def _body(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                pieces = []
                while size := int(self.rfile.readline(), 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _answer(self, content, status=200, **headers):
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _known(self):
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                return True
            self._answer({"error": "Invalid credentials"}, 401)
            return False

        def do_POST(self):
            body = self._body()
            hub.asked.append(self.path)
            if not self._known():
                return
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                name = f"{asked.get('organization', 'me')}/{asked['name']}"
                status = 409 if name in hub.repositories else 200
                hub.repositories.setdefault(name, {})
                # As clients before version 2 say it, and as those since do.
                private = asked.get("private") or asked.get("visibility") == "private"
                hub.private.setdefault(name, bool(private))
                self._answer({"url": f"{hub.address}/{name}"}, status)
            elif self.path == "/api/validate-yaml":
                content = json.loads(body)["content"]
                fine = content.startswith("---\n")
                self._answer({"errors": [] if fine else [{"message": "no front matter"}]})
            elif match := re.fullmatch(r"/api/(model|dataset)s/(.+)/preupload/main", self.path):
                files = json.loads(body)["files"]
                modes = [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if file["size"] > 5000 else "regular",
                        "shouldIgnore": False,
                    }
                    for file in files
                ]
                self._answer({"files": modes})
            elif self.path.endswith(".git/info/lfs/objects/batch"):
                objects = [
                    {**one, "actions": {"upload": {"href": f"{hub.address}/lfs/{one['oid']}"}}}
                    for one in json.loads(body)["objects"]
                ]
                self._answer({"transfer": "basic", "objects": objects})
            elif match := re.fullmatch(r"/api/(?:model|dataset)s/(.+)/commit/main", self.path):
                self._commit(match[1], [json.loads(line) for line in body.splitlines()])
            else:
                self._answer({"error": self.path}, 404)

        def _commit(self, name, lines):
            files = hub.repositories[name]
            for line in lines:
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    files[value["path"]] = hub.blobs[value["oid"]]
            kind = "datasets/" if self.path.startswith("/api/datasets/") else ""
            place = f"{hub.address}/{kind}{name}/commit/{commit(files)}"
            self._answer({"commitUrl": place, "commitOid": commit(files)})

        def do_PUT(self):
            oid = self.path.rpartition("/")[2]
            hub.blobs[oid] = body = self._body()
            assert hashlib.sha256(body).hexdigest() == oid
            self._answer(b"")

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            hub.asked.append(self.path)
            path = self.path.partition("?")[0]
            if match := re.fullmatch(r"/api/(?:model|dataset)s/(.+?)/revision/(.+)", path):
                self._tell(match[1], match[2])
            elif match := re.fullmatch(r"/api/(?:model|dataset)s/(.+?)/tree/(.+)", path):
                files = hub.repositories.get(match[1], {})
                self._answer(
                    [
                        {
                            "type": "file", "path": name, "size": len(data),
                            "oid": hashlib.sha1(data).hexdigest(),
                        }
                        for name, data in files.items()
                    ]
                )  # fmt: skip
            elif match := re.fullmatch(r"/(?:datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self._file(*match.groups())
            else:
                self._answer({"error": path}, 404, X_Error_Code="RepoNotFound")

        def _tell(self, name, revision):
            if name not in hub.repositories:
                self._answer({"error": "no"}, 404, X_Error_Code="RepoNotFound")
                return
            files = hub.repositories[name]
            if revision not in ("main", commit(files)):
                self._answer({"error": "no"}, 404, X_Error_Code="RevisionNotFound")
                return
            siblings = [{"rfilename": path} for path in files]
            self._answer({"id": name, "sha": commit(files), "siblings": siblings})

        def _file(self, name, revision, path):
            files = hub.repositories.get(name, {})
            if path not in files:
                self._answer({"error": "no"}, 404, X_Error_Code="EntryNotFound")
                return
            data = files[path]
            facts = {
                "X_Repo_Commit": commit(files),
                "ETag": f'"{digest(data)}"',
            }
            if path in hub.cut and self.command == "GET":
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return
            self._answer(data, 200, **facts)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def commit(files):
    """What a revision of these files is called."""
    told = sorted((name, digest(data)) for name, data in files.items())
    return hashlib.sha1(repr(told).encode()).hexdigest()


@cache
def digest(data):
    """SHA-256 of a file, reckoned once."""
    return hashlib.sha256(data).hexdigest()
