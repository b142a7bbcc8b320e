// What the reader has chosen. A view names the choices that it shows, and is drawn anew when one of them changes.

import { data, modules, lastLayer } from "explorer/data";

export const state = {
  language: data.language,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  picture: 0,
  tab: "layer",
  layer: lastLayer(modules[0]),
  evidence: 0, // which of the likeliest classes is looked into
  reductions: data.network.reductions,
  off: null, // {module, branches: "0111"} or {module, channel: 17}
  step: null, // of the tour, from 0
};

const views = [];

export function onChange(names, draw) {
  views.push({ names: new Set([...names, "language"]), draw });
}

export function set(changes) {
  const changed = Object.keys(changes).filter((name) => state[name] !== changes[name]);
  Object.assign(state, changes);
  for (const { names, draw } of views) if (changed.some((name) => names.has(name))) draw();
}

export function drawAll() {
  for (const { draw } of views) draw();
}

export const picture = () => data.pictures[state.picture];
