"""Who comes logs in at a provider of OpenID that the test runs, and may do what the lists say."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.browser.conftest import ROOT, wait_until_it_answers
from tests.browser.waiting import assert_becomes
from tests.runs.conftest import wait_until

pytest.importorskip("authlib", reason="the extra 'login' isn't installed")
# One server and one browser, of one worker.
pytestmark = pytest.mark.xdist_group("login")

CLIENT, SECRET = "distmat-test", "not much of a secret"


class Provider(BaseHTTPRequestHandler):
    """What of OpenID Connect a login needs: the code flow, with signed tokens."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/.well-known/openid-configuration":
            ways = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            self._json(
                {
                    "issuer": self.server.issuer,
                    **{f"{k}_endpoint": f"{self.server.issuer}/{v}" for k, v in ways.items()},
                    "jwks_uri": f"{self.server.issuer}/keys",
                    "response_types_supported": ["code"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif url.path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False, kid="k", alg="RS256")]})
        elif url.path == "/authorize":
            self.server.nonce = asked.get("nonce")
            back = urlencode({"code": "c", "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self):
        from joserfc import jwt

        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = self.headers.get("Authorization") == f"Basic {basic}"
        if not known and body.get("client_secret") != [SECRET]:
            self.send_error(401)
            return
        now = int(time.time())
        claims = {
            "iss": self.server.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600,
            "nonce": self.server.nonce, **self.server.claims,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, self.server.key)
        self._json({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def _json(self, content):
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def provider():
    from joserfc.jwk import RSAKey

    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    server.issuer = f"http://127.0.0.1:{server.server_port}"
    server.key = RSAKey.generate_key(2048)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def address(provider, tmp_path_factory):
    folder = tmp_path_factory.mktemp("login")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "secrets.toml").write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{os.urandom(16).hex()}"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
server_metadata_url = "{provider.issuer}/.well-known/openid-configuration"
"""
    )
    environment = {
        **os.environ,
        "DISTMAT_HOME": str(folder / "home"),
        "OMP_NUM_THREADS": "1",
        "DISTMAT_MAY_LAUNCH": "boss@lab.org",
        "DISTMAT_MAY_LOOK": "@lab.org",
    }
    command = [
        *(sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"),
        *("--server.headless=true", f"--secrets.files={folder / 'secrets.toml'}"),
    ]
    with (
        open(folder / "log", "w") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_it_answers(f"{url}/_stcore/health", server, folder / "log")
            yield url
        finally:
            server.terminate()


def said(page):
    """All that is written; an address is parted by a sign without width, to become no link."""
    return page.locator("body").inner_text().replace("\u2060", "")


@pytest.mark.parametrize(
    ("claims", "seen", "tabs"),
    [
        ({"email": "boss@lab.org"}, "boss@lab.org.", {"Predict", "Train"}),
        (
            {"email": "student@lab.org"},
            "student@lab.org. Read-only: look and predict.",
            {"Predict"},
        ),
        ({"email": "a@evil.org"}, "a@evil.org is on no list of this server", set()),
        (
            {"email": "boss@lab.org", "email_verified": False},
            "Who has no verified address is on no list",
            set(),
        ),
    ],
    ids=["launch", "look", "nobody", "unverified"],
)
def test_a_login_opens_what_the_lists_say(context, provider, address, claims, seen, tabs):
    provider.claims = claims
    context.clear_cookies()
    page = context.new_page()
    try:
        page.goto(address)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Log out").wait_for()
        wait_until(lambda: seen in said(page))
        assert ("Read-only" in said(page)) == ("Read-only" in seen)
        links = page.get_by_role("link")
        assert_becomes(lambda: set(links.all_inner_texts()) & {"Predict", "Train"}, tabs)
        if where := os.environ.get("DISTMAT_PICTURES"):
            page.screenshot(path=f"{where}/login-{claims['email'].partition('@')[0]}.png")
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()
    finally:
        page.close()
