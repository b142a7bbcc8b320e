// The numbers that the paper prints in its Table 1, beside those of this model.

import { blocks, isHead, network } from "explorer/data";
import { h, value } from "explorer/dom";
import { count, shape, t } from "explorer/words";

const COLUMNS = ["paper.layer", "paper.output", "paper.weights", "paper.printed", "paper.macs", "paper.printed"];

export function drawPaperTab() {
  const rows = blocks.filter((block) => block.macs && !isHead(block));
  const matching = rows.filter((block) => block.printed.parameters !== null).length;
  return [
    h("h2", {}, t("tab.paper")),
    h("p", { class: "lead" }, t(matching ? "paper.lead" : "paper.other", { variant: network.variant })),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": t("tab.paper") },
      h("table", {}, h("thead", {}, h("tr", {}, COLUMNS.map((key) => h("th", { scope: "col" }, t(key))))), h("tbody", {}, rows.map(row), total())),
    ),
    network.disagreements.length ? [h("h3", {}, t("paper.disagreements")), h("dl", {}, network.disagreements.map((found) => [h("dt", {}, found.name), h("dd", {}, t(`paper.reason.${found.name}`))]))] : null,
  ];
}

function row(block) {
  const { parameters, operations } = block.printed;
  const odd = network.disagreements.some((found) => found.name === block.name);
  const where = { block: block.name };
  return h(
    "tr",
    { class: odd ? "odd" : null },
    h("th", { scope: "row" }, block.name, odd ? h("span", { class: "mark" }, " *") : null),
    h("td", {}, shape(block.output)),
    h("td", {}, value(count(block.weights), "block-weights", where)),
    h("td", {}, parameters === null ? "–" : value(`${parameters} K`, "printed-parameters", where)),
    h("td", {}, value(count(block.macs), "block-macs-exact", where)),
    h("td", {}, operations === null ? "–" : value(`${operations} M`, "printed-operations", where)),
  );
}

function total() {
  const { weights, macs } = network.totals.main;
  return h("tr", { class: "total" }, h("th", { scope: "row" }, t("reductions.whole")), h("td", {}), h("td", {}, value(count(weights), "total-weights")), h("td", {}), h("td", {}, value(count(macs), "total-macs")), h("td", {}));
}
