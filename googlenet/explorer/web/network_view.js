// The whole network as a drawing: stages of one map size, in each the blocks, in each the branches.

import { blocks, blockByName, blockOf, computing, data, isHead, isModule, lastLayer, layerByName, network, shortName, tone } from "explorer/data";
import { fill, h, rove } from "explorer/dom";
import { onChange, picture, set, state } from "explorer/state";
import { count, percent, shape, t } from "explorer/words";

const container = document.getElementById("network");

function draw() {
  container.setAttribute("aria-label", t("network.label"));
  fill(
    container,
    h("div", { class: "stages", role: "list" }, imageStage(), stages().map(drawStage)),
    h("p", { class: "hint" }, t("network.hint")),
  );
  mark();
}

// The block that is looked into, and the branches that are off. Only this changes with most clicks; drawing all anew would
// decode every picture again.
function mark() {
  const { name } = blockOf(state.layer);
  for (const button of container.querySelectorAll(".block-button")) {
    const current = button.dataset.block === name;
    button.tabIndex = current ? 0 : -1;
    if (current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    const branches = state.off?.module === button.dataset.block ? state.off.branches : null;
    button.querySelectorAll(".row").forEach((row, i) => row.classList.toggle("off", branches?.[i] === "0"));
  }
}

// Blocks of the main path, those whose maps have the same size together.
function stages() {
  const groups = [];
  for (const block of blocks.filter((block) => !isHead(block))) {
    const size = block.output[1];
    if (groups.at(-1)?.size !== size) groups.push({ size, blocks: [] });
    groups.at(-1).blocks.push(block);
  }
  return groups;
}

function imageStage() {
  const seen = picture();
  return h(
    "div",
    { class: "stage image", role: "listitem" },
    h("p", { class: "stage-size" }, `${network.input_size}×${network.input_size}`),
    seen ? h("img", { class: "seen", src: seen.image, alt: t("network.seen", { name: seen.name }) }) : h("div", { class: "seen" }, t("network.no_image")),
  );
}

function drawStage({ size, blocks }) {
  return h(
    "div",
    { class: "stage", role: "listitem", style: { "--weight": blocks.reduce((sum, block) => sum + (isModule(block) ? 3 : 1), 0) } },
    h("p", { class: "stage-size" }, `${size}×${size}`),
    h("div", { class: "blocks" }, blocks.map(drawBlock)),
  );
}

function drawBlock(block) {
  const heads = Object.keys(network.heads).filter((head) => network.heads[head] === block.name);
  return h(
    "div",
    { class: `block ${isModule(block) ? "module" : "plain"}` },
    blockButton(block, [
      h("span", { class: "cells", "aria-hidden": "true" }, rows(block).map(drawRow)),
      h("span", { class: "block-name" }, shortName(block)),
      h("span", { class: "block-shape" }, count(block.output[0])),
      strongestMap(block),
    ]),
    heads.map((head) => drawHead(head)),
  );
}

const rows = (block) => (isModule(block) ? block.branches.map((branch) => branch.layers) : [block.layers.map((layer) => layer.name)]);

// As thick as the share of the channels that it brings, so that one sees which branch is the widest.
function drawRow(row) {
  const width = layerByName.get(row.at(-1)).output[0];
  return h(
    "span",
    { class: "row", style: { "flex-grow": Math.sqrt(width) } },
    row.map((layer) => h("span", { class: "cell", style: { background: `var(--${tone(layer)})`, "border-color": `var(--${tone(layer)}-line)` } })),
  );
}

function blockButton(block, content) {
  return h(
    "button",
    {
      class: "block-button",
      "data-block": block.name,
      "data-key": `block ${block.name}`,
      "aria-label": `${block.name}, ${shape(block.output)}, ${t("cost.parameters", { count: count(block.parameters) })}`,
      title: `${block.name}: ${shape(block.output)}`,
      onclick: () => set({ layer: lastLayer(block), tab: isHead(block) ? "heads" : block.name === "loss3" && data.pictures.length ? "evidence" : "layer" }),
    },
    content,
  );
}

function strongestMap(block) {
  const best = picture()?.layers[computing(lastLayer(block))]?.channels[0];
  return best?.image ? h("img", { class: "map", src: best.image, alt: "" }) : null;
}

function drawHead(head) {
  const block = blockByName.get(head);
  const opinion = picture()?.opinions[Object.keys(network.outputs).find((name) => network.outputs[name].startsWith(head))];
  return h(
    "div",
    { class: "head" },
    blockButton(block, [h("span", { class: "block-name" }, head), opinion ? h("span", { class: "block-shape" }, percent(opinion[0][1])) : null]),
  );
}

rove(container, ".block-button");
onChange(["picture"], draw);
onChange(["layer", "off"], mark);
