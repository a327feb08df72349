"""What pointing at the explorer's map costs: frames a second, and the time of its own drawing.

    python benchmarks/explorer.py [--residues 1000] [--seconds 5]

A made-up chain with all layers, both traces and two marked pairs is opened in a headless Chromium,
as a page of its own, and the mouse moves over the map as fast as the browser takes its moves. Told
are the frames that the browser drew meanwhile; per move what the explorer's own code took by the
clock (marks on the map, links in the structure, the line of numbers); and the processor time of a
move, which other work on the machine doesn't lengthen: of the page's main thread with style and
layout, and of all of the browser's processes, most of which is the software that stands in for a
graphics card. Neither the map's cells nor the structure may be drawn anew for a move; the script
fails if one is.
"""

import argparse
import shutil
import time

import numpy as np
import psutil

from distmat.figures.explorer import STAGE_WORDS, Scene, standalone_page
from distmat.protein.distance_map import pairwise_distances

_SOFTWARE = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
RENDERERS = {
    "3Dmol.js, WebGL in software": (*_SOFTWARE, "--disable-gpu-compositing"),
    "the same, the page put together by software GL, too": _SOFTWARE,
    "plain canvas, no WebGL": (
        "--disable-gpu",
        "--disable-3d-apis",
        "--disable-software-rasterizer",
    ),
}

_WATCH = """() => {
  const explorer = document.querySelector("body").explorer
    || [...document.querySelectorAll("*")].map((node) => node.explorer).find(Boolean);
  window.watched = { own: [], frames: [], maps: 0, scenes: 0 };
  const wrap = (object, name, told) => {
    const before = object[name].bind(object);
    object[name] = (...all) => {
      const from = performance.now(), out = before(...all);
      told(performance.now() - from);
      return out;
    };
  };
  wrap(explorer, "mark", (ms) => window.watched.own.push(ms));
  wrap(explorer.map, "draw", () => { window.watched.maps += 1; });
  wrap(explorer.space.painter, "draw", () => { window.watched.scenes += 1; });
  const count = (at) => { window.watched.frames.push(at); requestAnimationFrame(count); };
  requestAnimationFrame(count);
  explorer.change({ pins: [{ i: 10, j: 200 }, { i: 40, j: 500 }] });
  window.watched.own = []; window.watched.maps = window.watched.scenes = 0;
  const box = explorer.find(".square").getBoundingClientRect(), { margin, side } = explorer.map;
  return [box.left + margin, box.top + margin, side];
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residues", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    page = standalone_page(made_up(options.residues))
    head = (
        "renderer",
        "moves",
        "frames/s",
        "own code, ms",
        "slowest of 20",
        "main thread, CPU ms",
        "browser, CPU ms",
    )
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for name, flags in RENDERERS.items():
        moves, frames, own, thread, browser = hover(page, flags, options.seconds)
        print(
            f"| {name} | {moves} | {frames:.0f} | {np.median(own):.2f} | "
            f"{np.quantile(own, 0.95):.2f} | {thread:.2f} | {browser:.1f} |"
        )


def made_up(residues: int) -> Scene:
    """A compact random walk, and a prediction of it that is off."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 1, (residues, 3))
    walk = np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1)[:, None], axis=0)
    truth = walk * 0.4 + rng.normal(0, 2, walk.shape)
    moved = truth + rng.normal(0, 3, truth.shape)
    distances = pairwise_distances(moved)
    return Scene(
        "made-up",
        "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), residues)),
        distances,
        distances / 8,
        truth=truth,
        stages=dict.fromkeys(STAGE_WORDS, moved),
        template=distances + 1,
    )


def hover(
    html: str, flags: tuple[str, ...], seconds: float
) -> tuple[int, float, np.ndarray, float, float]:
    """Moves, frames a second, ms of own code in each, CPU ms of thread and browser in each."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *flags])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(120_000)
        page.set_content(html, wait_until="commit")
        painter = "3dmol" if "swiftshader" in flags[0] else "plain"
        page.locator(f".explorer[data-painter='{painter}']").wait_for()
        left, top, side = page.evaluate(_WATCH)
        page.mouse.move(left + side / 3, top + side / 2)
        page.wait_for_timeout(3000)
        page.evaluate("() => { window.watched.own = []; window.watched.frames = []; }")
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        before, all_before = busy(tools), computed()
        started, moves = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            angle = moves / 15
            page.mouse.move(
                left + side * (0.5 + 0.4 * np.cos(angle)), top + side * (0.5 + 0.4 * np.sin(angle))
            )
            moves += 1
        thread, everything = busy(tools) - before, computed() - all_before
        watched = page.evaluate("() => window.watched")
        browser.close()
    if watched["maps"] or watched["scenes"]:
        raise SystemExit(f"A move drew the map {watched['maps']} times anew: {watched['scenes']}.")
    frames, own = np.array(watched["frames"]), np.array(watched["own"])
    rate = 1000 * (len(frames) - 1) / np.ptp(frames)
    return moves, rate, own, 1000 * thread / moves, 1000 * everything / moves


def computed() -> float:
    """Seconds that all processes below this one have computed, but Playwright's own."""
    below = psutil.Process().children(recursive=True)
    own = [one for one in below if "chrom" in one.name()]
    return sum(sum(one.cpu_times()[:2]) for one in own)


def busy(tools) -> float:
    """Seconds that the page's main thread has computed."""
    told = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"])


if __name__ == "__main__":
    main()
