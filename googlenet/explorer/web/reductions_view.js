// What the 1×1 reductions save: a module with and without them, and all modules.

import { blockOf, data, isModule, modules, network } from "explorer/data";
import { h, value } from "explorer/dom";
import { drawModule } from "explorer/module_view";
import { set, state } from "explorer/state";
import { count, millions, t, times } from "explorer/words";

export function drawReductionsTab() {
  const block = isModule(blockOf(state.layer)) ? blockOf(state.layer) : modules[0];
  const form = state.reductions ? "reduced" : "naive";
  const { source, [form]: branches } = data.reductions[block.name];
  const saving = network.savings.find((entry) => entry.name === block.name);
  return [
    h("h2", {}, t("tab.reductions")),
    h("p", { class: "lead" }, t("reductions.lead")),
    network.reductions ? null : h("p", { class: "absent" }, t("reductions.naive_model")),
    h(
      "div",
      { class: "heading" },
      h("h3", {}, t("module.title", { name: block.name.replace("inception_", "") })),
      h(
        "button",
        { class: "switch", role: "switch", "aria-checked": String(state.reductions), "data-key": "reductions", onclick: () => set({ reductions: !state.reductions }) },
        h("span", { class: "knob" }),
        t(state.reductions ? "reductions.on" : "reductions.off"),
      ),
    ),
    h("div", { class: "costs" }, drawCost("weights", saving, form), drawCost("macs", saving, form)),
    drawModule({ source, branches, output: [saving[form].channels, source[1], source[2]], cost: (layer) => layerCost(layer, form) }),
    table(form),
    h("p", { class: "note" }, t("reductions.note")),
  ];
}

function layerCost(layer, form) {
  if (!layer.weights) return null;
  return [
    h("span", { class: "soft" }, value(t("cost.weights", { count: count(layer.weights) }), `${form}-layer-weights`, { layer: layer.name })),
    h("span", { class: "soft" }, value(t("cost.macs", { count: millions(layer.macs) }), `${form}-layer-macs`, { layer: layer.name })),
  ];
}

function drawCost(what, saving, form) {
  const words = what === "macs" ? millions : count;
  return h(
    "div",
    { class: "cost" },
    h("h4", {}, t(`reductions.${what}`)),
    ["naive", "reduced"].map((name) =>
      h(
        "p",
        { class: name === form ? "cost-line current" : "cost-line" },
        h("span", {}, t(name === "naive" ? "reductions.off" : "reductions.on")),
        value(words(saving[name][what]), `${name}-${what}`, { block: saving.name }),
        h("span", { class: "bar", "aria-hidden": "true" }, h("span", { class: "now", style: { width: `${(100 * saving[name][what]) / Math.max(saving.naive[what], saving.reduced[what])}%` } })),
      ),
    ),
  );
}

function table(form) {
  const columns = ["reductions.module", "reductions.naive_weights", "reductions.own_weights", "reductions.ratio", "reductions.naive_macs", "reductions.own_macs", "reductions.ratio"];
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": t("reductions.table") },
    h("table", { class: form }, h("thead", {}, h("tr", {}, columns.map((key) => h("th", { scope: "col" }, t(key))))), h("tbody", {}, network.savings.map(row))),
  );
}

function row(saving) {
  const block = saving.name;
  const cell = (words, kind) => h("td", {}, value(words, kind, { block }));
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, block === "main path" ? t("reductions.whole") : block.replace("inception_", "")),
    ["weights", "macs"].flatMap((what) => {
      const words = what === "macs" ? millions : count;
      return [cell(words(saving.naive[what]), `naive-${what}`), cell(words(saving.reduced[what]), `reduced-${what}`), cell(times(saving.naive[what] / saving.reduced[what]), `ratio-${what}`)];
    }),
  );
}
