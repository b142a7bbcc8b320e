// Always in sight: the photograph, the answer, and how it changes when a part is switched off.

import { blockByName, className } from "explorer/data";
import { fill, h, value } from "explorer/dom";
import { onChange, picture, set, state } from "explorer/state";
import { before, offWords, shownNow } from "explorer/switches";
import { percent, t } from "explorer/words";
import { placesOverlay } from "explorer/places";

const container = document.getElementById("answer");

function draw() {
  container.setAttribute("aria-label", t("answer.title"));
  if (!picture()) return fill(container, h("h2", {}, t("answer.title")), h("p", { class: "note" }, t("answer.no_image")));
  const { evidence, image, name } = picture();
  return fill(
    container,
    h("h2", {}, t("answer.title")),
    h(
      "div",
      { class: "answer-body" },
      h(
        "div",
        {},
        h("div", { class: "photograph" }, h("img", { src: image, alt: t("network.seen", { name }) }), placesOverlay(evidence[state.evidence])),
        h("p", { class: "note" }, t("answer.overlay", { name: className(evidence[state.evidence].class) })),
      ),
      h("div", { "aria-live": "polite" }, state.off ? offNote() : null, h("ul", { class: "opinion" }, shownNow().map(drawClass))),
    ),
    state.off ? nowLine() : null,
  );
}

// The same in one line, for windows in which the rest is out of sight.
function nowLine() {
  const [index, probability] = shownNow()[0];
  return h(
    "div",
    { class: "now-line", "aria-hidden": "true" },
    h("span", {}, h("strong", {}, offWords(blockByName)), ` → ${className(index)} ${percent(probability)}`),
    h("button", { tabindex: -1, onclick: () => set({ off: null }) }, t("off.reset")),
  );
}

function offNote() {
  return h(
    "p",
    { class: "off-note" },
    h("strong", {}, offWords(blockByName)),
    h("button", { "data-key": "all on", onclick: () => set({ off: null }) }, t("off.reset")),
  );
}

function drawClass([index, probability]) {
  const was = state.off ? before(index) : undefined;
  const at = picture().evidence.findIndex((entry) => entry.class === index);
  return h(
    "li",
    {},
    h(
      at < 0 ? "span" : "button",
      { class: "class-name", "data-key": `class ${index}`, "aria-pressed": at < 0 ? null : String(at === state.evidence), onclick: at < 0 ? () => {} : () => set({ evidence: at }) },
      className(index),
    ),
    value(percent(probability), "probability", where(index)),
    h("span", { class: "bar", "aria-hidden": "true" }, was === undefined ? null : h("span", { class: "was", style: { width: `${100 * was}%` } }), h("span", { class: "now", style: { width: `${100 * probability}%` } })),
    was === undefined ? null : h("span", { class: "was-words" }, t("off.was"), " ", value(percent(was), "probability", { class: index })),
  );
}

function where(index) {
  if (!state.off) return { class: index };
  const { module, branches, channel } = state.off;
  return branches ? { class: index, module, branches } : { class: index, module, channel };
}

onChange(["picture", "off", "evidence"], draw);
