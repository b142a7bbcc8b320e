"""How long `googlenet explore` takes for one photograph, how big its page is, and how soon the page answers a click.

    python benchmarks/explorer.py MODEL.safetensors PHOTO.jpg

The making is timed as whole processes. A click is timed by Chromium itself (Event Timing: from the input to the paint
that shows its effect, in steps of 8 ms; below 16 ms nothing is reported), at every block, tab, switch and step of the
tour. Needs playwright and a chromium on the path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from playwright.sync_api import sync_playwright

RUNS = 3

WATCH = """() => {
  window.slowest = [];
  new PerformanceObserver(list => slowest.push(...list.getEntries().map(e => [e.name, e.duration])))
    .observe({type: "event", durationThreshold: 16});
}"""


def seconds(command: list[str]) -> float:
    """The wall time of one whole process."""
    start = perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return perf_counter() - start


def click_everything(page: Any) -> int:
    """Returns how many clicks that were."""
    blocks = page.eval_on_selector_all("#network .block-button", "all => all.map(e => e.dataset.block)")
    targets = [f"[data-block='{block}']" for block in blocks]
    targets += [f"#tab-{tab}" for tab in ("evidence", "heads", "reductions", "paper", "layer")]
    for module in ("inception_3a", "inception_4e", "inception_5b"):
        targets += [f"[data-block={module}]", ".module-branch:nth-child(2) .switch", ".channel .switch"]
    targets += ["[data-key=language]", "[data-key=language]", "[data-key=scheme]", "[data-key=tour]"]
    targets += [".tour-buttons button:nth-child(2)"] * 10
    for target in targets:
        page.click(target)
        page.wait_for_timeout(60)
    return len(targets)


def main() -> None:
    """Measure and print."""
    model, photo = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        out = Path(folder) / "explorer.html"
        command = [sys.executable, "-m", "googlenet", "explore", model, photo, "--out", str(out)]
        times = [seconds(command) for _ in range(RUNS)]
        print(f"made in {median(times):.1f} s (median of {RUNS}), {out.stat().st_size / 1e6:.2f} MB")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        start = perf_counter()
        page.goto(out.as_uri())
        page.wait_for_selector("#panel h2")
        print(f"opened in {1000 * (perf_counter() - start):.0f} ms")
        page.evaluate(WATCH)
        clicks = click_everything(page)
        page.wait_for_timeout(300)
        durations = sorted(duration for name, duration in page.evaluate("slowest") if name in ("click", "pointerup"))
        worst = f"slowest {durations[-1]:.0f} ms, median of these {median(durations):.0f} ms" if durations else "none"
        print(f"{clicks} clicks; {len(durations)} events took 16 ms or more: {worst}")
        browser.close()


if __name__ == "__main__":
    main()
