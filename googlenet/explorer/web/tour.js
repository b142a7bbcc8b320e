// The guided tour: ten steps, each of which chooses what it speaks of.

import { blockByName, lastLayer, layerByName, modules, network } from "explorer/data";
import { fill, h } from "explorer/dom";
import { onChange, picture, set, state } from "explorer/state";
import { t } from "explorer/words";

const container = document.getElementById("tour");

const module = (name) => lastLayer(blockByName.get(`inception_${name}`) ?? modules[0]);
const layer = (name) => (layerByName.has(name) ? name : module("3a"));

// What each step shows; its words are the texts tour.1 to tour.10.
const STEPS = [
  { look: "#network", layer: () => layer("loss3/classifier"), tab: "layer" },
  { look: "#panel", layer: () => layer("conv1/7x7_s2"), tab: "layer" },
  { look: ".module-drawing", layer: () => module("3a"), tab: "layer" },
  { look: ".costs", layer: () => module("5a"), tab: "reductions", reductions: false },
  { look: ".costs", layer: () => module("5a"), tab: "reductions", reductions: true },
  { look: ".concatenation", layer: () => module("4c"), tab: "layer" },
  { look: ".maps", layer: () => module("5b"), tab: "layer" },
  { look: "#answer", layer: () => module("4e"), tab: "layer", off: { module: "inception_4e", branches: "1011" } },
  { look: "#panel", layer: () => module("4d"), tab: "heads" },
  { look: ".equation", layer: () => layer("loss3/classifier"), tab: "evidence" },
];

const go = (to) => {
  if (to === null) {
    set({ step: null, off: null });
    return document.querySelector("[data-key=tour]").focus();
  }
  const { layer, tab, reductions = network.reductions, off = null } = STEPS[to];
  set({ step: to, layer: layer(), tab, reductions, off: picture() ? off : null, evidence: 0 });
  const subject = document.querySelector(STEPS[to].look) ?? document.getElementById("panel");
  document.querySelector(".spoken-of")?.classList.remove("spoken-of");
  subject.classList.add("spoken-of");
  subject.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
};

function draw() {
  const { step } = state;
  const opens = container.hidden;
  container.hidden = step === null;
  document.body.classList.toggle("touring", step !== null);
  if (step === null) {
    document.querySelector(".spoken-of")?.classList.remove("spoken-of");
    return;
  }
  container.setAttribute("aria-label", t("tour.label"));
  const turn = (to, key, enabled) => h("button", { class: key === "tour.next" ? "primary" : "", "data-key": key, disabled: !enabled, onclick: () => go(to) }, t(key));
  const last = step === STEPS.length - 1;
  fill(
    container,
    h("div", { class: "tour-words", "aria-live": "polite" }, h("p", { class: "soft" }, t("tour.place", { step: step + 1, steps: STEPS.length })), h("h2", { id: "tour-title", tabindex: -1 }, t(`tour.${step + 1}.title`)), h("p", {}, t(`tour.${step + 1}.text`, { depth: network.depth })), picture() ? null : h("p", { class: "note" }, t("answer.no_image"))),
    h("div", { class: "tour-buttons" }, turn(step - 1, "tour.back", step > 0), last ? turn(null, "tour.end", true) : turn(step + 1, "tour.next", true), last ? null : turn(null, "tour.end", true)),
  );
  if (opens) go(step);
  if (!container.contains(document.activeElement)) document.getElementById("tour-title").focus({ preventScroll: true });
}

container.addEventListener("keydown", (event) => {
  const to = { ArrowRight: state.step + 1, ArrowLeft: state.step - 1, Escape: null }[event.key];
  if (to === undefined || (to !== null && !STEPS[to])) return;
  event.preventDefault();
  go(to);
});

onChange(["step"], draw);
