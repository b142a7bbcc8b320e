// Where in the photograph the evidence for a class lies: the class activation map, exact.

import { h, value } from "explorer/dom";
import { signed } from "explorer/words";

const colour = (share) => (share < 0 ? `rgb(40 110 255 / ${Math.min(1, -share)})` : `rgb(255 90 0 / ${Math.min(1, share)})`);

// Laid over the photograph: orange speaks for the class, blue against it.
export function placesOverlay({ places }) {
  const greatest = Math.max(...places.flat().map(Math.abs)) || 1;
  return h(
    "svg",
    { class: "places", viewBox: `0 0 ${places[0].length} ${places.length}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    places.flatMap((row, y) => row.map((of, x) => h("rect", { x, y, width: 1, height: 1, fill: colour((0.55 * of) / greatest) }))),
  );
}

// The same as numbers, in a grid over the photograph.
export function placesGrid({ places, class: index }) {
  const greatest = Math.max(...places.flat().map(Math.abs)) || 1;
  return h(
    "div",
    { class: "places-grid", style: { "grid-template-columns": `repeat(${places[0].length}, 1fr)` } },
    places.flatMap((row, y) =>
      row.map((of, x) => h("span", { style: { background: colour((0.7 * of) / greatest) } }, value(signed(of), "place", { class: index, row: y, column: x }))),
    ),
  );
}
