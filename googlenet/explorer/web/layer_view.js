// The first tab: the block that was chosen in the drawing, and the feature maps of the layer that was chosen in it.

import { blockOf, branchEnds, inputShape, isModule, lastLayer, layerByName, modules, tone } from "explorer/data";
import { h, value } from "explorer/dom";
import { drawConcatenation } from "explorer/concat_view";
import { drawMaps } from "explorer/maps_view";
import { drawModule, ownCost } from "explorer/module_view";
import { picture, set, state } from "explorer/state";
import { branchSwitch } from "explorer/switches";
import { branchWords, count, layerWords, millions, shape, t } from "explorer/words";

export function drawLayerTab() {
  const block = blockOf(state.layer);
  return [heading(block), isModule(block) ? moduleDrawing(block) : plainDrawing(block), isModule(block) && picture() ? drawConcatenation(block) : null, drawMaps(state.layer)];
}

function heading(block) {
  const cost = h(
    "p",
    { class: "sums" },
    [
      value(t("cost.parameters", { count: count(block.parameters) }), "block-parameters", { block: block.name }),
      value(t("cost.macs", { count: millions(block.macs) }), "block-macs", { block: block.name }),
      value(t("cost.field", { count: count(block.field) }), "block-field", { block: block.name }),
    ].map((item) => h("span", {}, item)),
  );
  const title = isModule(block) ? t("module.title", { name: block.name.replace("inception_", "") }) : block.name;
  return h("div", { class: "heading" }, h("h2", {}, title), isModule(block) ? walk(block) : null, cost);
}

// To the modules before and behind, without going back to the drawing.
function walk(block) {
  const at = modules.indexOf(block);
  const step = (to, key, sign) =>
    h("button", { class: "quiet", disabled: !modules[to], "data-key": key, "aria-label": t(key), onclick: () => set({ layer: lastLayer(modules[to]) }) }, sign);
  return h("span", { class: "walk" }, step(at - 1, "module.before", "←"), step(at + 1, "module.next", "→"));
}

function moduleDrawing(block) {
  const ends = branchEnds(block);
  return h(
    "section",
    { "aria-label": t("module.drawing") },
    drawModule({
      source: inputShape(block.branches[0].layers[0]),
      branches: block.branches.map((branch) => branch.layers.map((name) => ({ ...layerByName.get(name), tone: tone(name) }))),
      output: block.output,
      current: state.layer,
      choose: (layer) => set({ layer }),
      cost: ownCost,
      foot: (i) => (picture() ? branchSwitch(block, i, branchWords(ends[i])) : null),
    }),
  );
}

function plainDrawing(block) {
  return h(
    "ul",
    { class: "layer-list" },
    block.layers.map((layer) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            class: "layer-box wide",
            style: { background: `var(--${tone(layer.name)})`, "border-color": `var(--${tone(layer.name)}-line)` },
            "data-layer": layer.name,
            "data-key": `box ${layer.name}`,
            "aria-pressed": String(layer.name === state.layer),
            onclick: () => set({ layer: layer.name }),
          },
          h("strong", {}, layerWords(layer)),
          h("span", { class: "soft" }, layer.name),
          h("span", {}, `${shape(inputShape(layer.name))} → `, value(shape(layer.output), "shape", { layer: layer.name })),
          layer.parameters ? h("span", { class: "soft" }, value(t("cost.parameters", { count: count(layer.parameters) }), "parameters", { layer: layer.name })) : null,
          layer.macs ? h("span", { class: "soft" }, value(t("cost.macs", { count: millions(layer.macs) }), "macs", { layer: layer.name })) : null,
        ),
      ),
    ),
  );
}
