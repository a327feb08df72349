"""The pictures of pages in README and docs, taken anew.

    python benchmarks/screenshots.py [--only predict,home]

A server of its own with an empty workspace, and a headless Chromium that waits until all of a page
is drawn.
"""

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from load import FLAGS, ROOT, start_server


@dataclass(frozen=True)
class Shot:
    """A page, what says that it is all there, and how much of it is taken."""

    address: str
    there: str
    height: int


SHOTS = {
    "predict": Shot("predict?example=cytochrome-c", ".explorer[data-painter='3dmol']", 1480),
    "home": Shot("", ".js-plotly-plot .heatmaplayer image >> nth=1", 1330),
    "train": Shot("train", "button:has-text('Start')", 920),
}
WIDTH = 1400


def main() -> None:
    """Take them."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(SHOTS), help="names with commas between them")
    parser.add_argument("--to", type=Path, default=ROOT / "docs")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server, address = start_server(home)
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            for name in options.only.split(","):
                shot = SHOTS[name]
                page = browser.new_page(viewport={"width": WIDTH, "height": shot.height})
                page.set_default_timeout(240_000)
                page.goto(f"{address}/{shot.address}")
                page.locator(shot.there).first.wait_for()
                # Nothing is being computed or moved any more.
                page.locator("[data-testid='stStatusWidget']").wait_for(state="hidden")
                page.wait_for_function("!document.querySelector('[data-testid^=stSkeleton]')")
                page.wait_for_timeout(3000)
                page.screenshot(path=options.to / f"{name}.png")
                page.close()
                print(f"{options.to / name}.png", flush=True)
            browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
