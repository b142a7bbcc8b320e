// The five views of the lower part of the page, one at a time.

import { fill, h, rove } from "explorer/dom";
import { drawEvidenceTab } from "explorer/evidence_view";
import { drawHeadsTab } from "explorer/heads_view";
import { drawLayerTab } from "explorer/layer_view";
import { drawPaperTab } from "explorer/paper_view";
import { drawReductionsTab } from "explorer/reductions_view";
import { onChange, set, state } from "explorer/state";
import { t } from "explorer/words";

const TABS = { layer: drawLayerTab, evidence: drawEvidenceTab, heads: drawHeadsTab, reductions: drawReductionsTab, paper: drawPaperTab };

const container = document.getElementById("detail");
const list = h("div", { class: "tabs", role: "tablist" });
const panel = h("div", { class: "panel", role: "tabpanel", id: "panel" });
container.append(list, panel);

function draw() {
  list.setAttribute("aria-label", t("tab.label"));
  panel.setAttribute("aria-labelledby", `tab-${state.tab}`);
  fill(list, Object.keys(TABS).map(drawTab));
  fill(panel, TABS[state.tab]());
}

function drawTab(name) {
  const current = name === state.tab;
  return h(
    "button",
    { role: "tab", id: `tab-${name}`, "data-key": `tab ${name}`, "aria-selected": String(current), "aria-controls": "panel", tabindex: current ? 0 : -1, onclick: () => set({ tab: name }) },
    t(`tab.${name}`),
  );
}

rove(list, "[role=tab]");
onChange(["tab", "layer", "picture", "off", "evidence", "reductions"], draw);
