// The auxiliary heads: what they think of the photograph, beside the answer.

import { blockByName, className, lastLayer, network } from "explorer/data";
import { h, value } from "explorer/dom";
import { picture, set } from "explorer/state";
import { count, millions, percent, t } from "explorer/words";

export function drawHeadsTab() {
  const title = h("h2", {}, t("tab.heads"));
  const lead = h("p", { class: "lead" }, t("heads.lead"));
  if (!Object.keys(network.heads).length) return [title, lead, h("p", { class: "absent" }, t("heads.none"))];
  return [title, lead, h("div", { class: "three" }, Object.keys(network.outputs).toSorted().map(drawHead))];
}

function drawHead(output) {
  const block = blockByName.get(network.outputs[output].split("/")[0]);
  const module = network.heads[block.name]?.replace("inception_", "");
  return h(
    "section",
    { class: "card" },
    h("h3", {}, module ? t("heads.aux", { name: block.name, module }) : t("heads.main")),
    module ? h("p", { class: "note" }, value(t("cost.parameters", { count: count(block.parameters) }), "block-parameters", { block: block.name }), ", ", value(t("cost.macs", { count: millions(block.macs) }), "block-macs", { block: block.name })) : null,
    picture() ? h("ul", { class: "opinion" }, picture().opinions[output].map((entry) => drawClass(output, entry))) : h("p", { class: "note" }, t("answer.no_image")),
    h("button", { class: "quiet", "data-key": `layers of ${block.name}`, onclick: () => set({ layer: lastLayer(block), tab: "layer" }) }, t("heads.layers")),
  );
}

function drawClass(head, [index, probability]) {
  return h(
    "li",
    {},
    h("span", { class: "class-name" }, className(index)),
    value(percent(probability), "head-probability", { head, class: index }),
    h("span", { class: "bar", "aria-hidden": "true" }, h("span", { class: "now", style: { width: `${100 * probability}%` } })),
  );
}
