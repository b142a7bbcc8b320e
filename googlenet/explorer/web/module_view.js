// One Inception module, large: what goes in, the four branches, what they are joined to.

import { h, value } from "explorer/dom";
import { count, layerWords, millions, shape, t } from "explorer/words";

// `branches`: lists of layers {name, kind, tone, kernel, output, weights, macs}. `choose` is told the name of a layer
// that is clicked; without it the boxes are no buttons.
export function drawModule({ source, branches, output, current, choose, foot = () => null, cost }) {
  return h(
    "div",
    { class: "module-drawing" },
    h("div", { class: "module-bar" }, t("module.input", { shape: shape(source) })),
    h(
      "div",
      { class: "module-branches" },
      branches.map((branch, i) =>
        h("div", { class: "module-branch" }, branch.map((layer) => drawLayer(layer, { current, choose, cost })), h("div", { class: "wire" }), foot(i)),
      ),
    ),
    h("div", { class: "module-bar joined" }, segments(branches), h("span", {}, t("module.output", { shape: shape(output) }))),
  );
}

function drawLayer(layer, { current, choose, cost }) {
  const content = [
    h("strong", {}, layerWords(layer)),
    layer.kind === "Conv" ? h("span", {}, t("module.kernels", { count: count(layer.output[0]) })) : null,
    h("span", { class: "soft" }, value(shape(layer.output), "shape", { layer: layer.name })),
    cost(layer),
  ];
  const style = { background: `var(--${layer.tone})`, "border-color": `var(--${layer.tone}-line)` };
  return [
    h("div", { class: "wire" }),
    choose
      ? h(
          "button",
          {
            class: "layer-box",
            style,
            "data-layer": layer.name,
            "data-key": `box ${layer.name}`,
            "aria-pressed": String(layer.name === current),
            onclick: () => choose(layer.name),
          },
          content,
        )
      : h("div", { class: "layer-box", style }, content),
  ];
}

// The concatenation as a ribbon: each branch as long as the channels that it brings.
function segments(branches) {
  return h(
    "span",
    { class: "ribbon", "aria-hidden": "true" },
    branches.map((branch) => {
      const { tone, output } = branch.at(-1);
      return h("span", { style: { "flex-grow": output[0], background: `var(--${tone}-line)` } });
    }),
  );
}

export function ownCost(layer) {
  if (layer.kind !== "Conv") return null;
  return [
    h("span", { class: "soft" }, value(t("cost.parameters", { count: count(layer.parameters) }), "parameters", { layer: layer.name })),
    h("span", { class: "soft" }, value(t("cost.macs", { count: millions(layer.macs) }), "macs", { layer: layer.name })),
  ];
}
