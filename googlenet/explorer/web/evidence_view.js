// Why the answer: the logit of a class taken apart by place, by branch and by channel.

import { className, layerByName, network } from "explorer/data";
import { h, value } from "explorer/dom";
import { placesGrid } from "explorer/places";
import { picture, set, state } from "explorer/state";
import { branchWords, count, signed, t } from "explorer/words";

export function drawEvidenceTab() {
  if (!picture()) return [h("h2", {}, t("tab.evidence")), h("p", { class: "note" }, t("answer.no_image"))];
  const entry = picture().evidence[state.evidence];
  const features = layerByName.get(network.last_maps).output[0];
  return [
    h("h2", {}, t("tab.evidence")),
    h("p", { class: "lead" }, t("evidence.lead", { features: count(features) })),
    chooser(),
    sum(entry),
    h(
      "div",
      { class: "two" },
      h("section", {}, h("h3", {}, t("evidence.places")), h("div", { class: "photograph dimmed" }, h("img", { src: picture().image, alt: "" }), placesGrid(entry)), h("p", { class: "note" }, t("evidence.places_note"))),
      h("section", {}, h("h3", {}, t("evidence.branches")), bars(entry.branches, entry, "evidence-branch", (part) => branchWords(part.end)), h("h3", {}, t("evidence.channels")), bars(entry.channels, entry, "evidence-channel", (part) => t("maps.channel", { channel: part.channel }))),
    ),
  ];
}

function chooser() {
  return h(
    "div",
    { class: "chooser", role: "group", "aria-label": t("evidence.choose") },
    picture().evidence.map((entry, i) =>
      h("button", { "aria-pressed": String(i === state.evidence), "data-key": `evidence ${i}`, onclick: () => set({ evidence: i }) }, className(entry.class)),
    ),
  );
}

function sum({ class: index, evidence, bias, logit }) {
  return h(
    "p",
    { class: "equation" },
    h("span", {}, value(signed(evidence), "evidence", { class: index }), h("small", {}, t("evidence.sum"))),
    h("span", {}, value(signed(bias), "bias", { class: index }), h("small", {}, t("evidence.bias"))),
    "=",
    h("span", {}, value(logit.toFixed(2).replace("-", "−"), "logit", { class: index }), h("small", {}, t("evidence.logit"))),
  );
}

function bars(parts, { class: index }, kind, words) {
  const greatest = Math.max(...parts.map((part) => Math.abs(part.value))) || 1;
  return h(
    "ul",
    { class: "bars" },
    parts.map((part) =>
      h(
        "li",
        {},
        h("span", {}, words(part)),
        value(signed(part.value), kind, part.end ? { class: index, layer: part.end } : { class: index, channel: part.channel }),
        h("span", { class: part.value < 0 ? "bar against" : "bar", "aria-hidden": "true" }, h("span", { class: "now", style: { width: `${(100 * Math.abs(part.value)) / greatest}%` } })),
      ),
    ),
  );
}
