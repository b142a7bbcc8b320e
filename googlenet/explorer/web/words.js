// The page's words in the language of the reader, and its numbers.

import { data, layerByName, inputShape } from "explorer/data";
import { state } from "explorer/state";

export function t(key, parts = {}) {
  const words = data.texts[state.language][key];
  if (words === undefined) throw new Error(`there is no text ${key} in ${state.language}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

// As `t`, with elements in the places of the parts: a list of nodes.
export function nodes(key, parts) {
  return t(key, Object.fromEntries(Object.keys(parts).map((name) => [name, `\u0000${name}\u0000`])))
    .split("\u0000")
    .map((piece, i) => (i % 2 ? parts[piece] : piece));
}

export const count = (number) => number.toLocaleString("en-US");

export const percent = (fraction) => `${(100 * fraction).toFixed(2)} %`;

// Four significant digits: what is shown of an activation.
export function figure(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 1e5 || size < 1e-3) return number.toExponential(3);
  return number.toPrecision(4);
}

// The sign is always there: a share of a sum.
export const signed = (number) => (number < 0 ? "−" : "+") + Math.abs(number).toFixed(2);

// Below 0.1 M the number itself.
export const millions = (number) => number < 1e5 ? count(number) : `${(number / 1e6).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} M`;

export const times = (ratio) => `${ratio.toFixed(1)}×`;

export const shape = ([channels, height, width]) => `${height}×${width}×${channels}`;

// «3×3 convolution», «max pooling 3×3/2»: a layer in the reader's words.
export function layerWords(layer) {
  const row = typeof layer === "string" ? layerByName.get(layer) : layer;
  const stride = row.stride > 1 ? `/${row.stride}` : "";
  const size = row.kernel ? `${row.kernel}×${row.kernel}${stride}` : "";
  if (row.kind === "AdaptiveAvgPool" && !row.kernel) return t("kind.AdaptiveAvgPool", { size: `→ ${row.output[1]}×${row.output[2]}` });
  return t(`kind.${row.kind}`, { size });
}

export function branchWords(layer) {
  const row = layerByName.get(layer);
  if (layer.endsWith("/pool_proj") || row.kind === "MaxPool") return t("branch.pool");
  const name = layer.split("/")[1]; // the paper's name, which a 3×3 kernel in the «5×5» branch does not change
  return t("branch.conv", { size: name.replace("x", "×") });
}

export const readsWords = (layer) => shape(inputShape(layer));
