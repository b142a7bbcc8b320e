// Search by layer name: type, walk through what fits with the arrow keys, Enter.

import { layers } from "explorer/data";
import { h } from "explorer/dom";
import { set } from "explorer/state";
import { layerWords, t } from "explorer/words";

const MOST = 8;

export function drawSearch() {
  const list = h("ul", { id: "found", role: "listbox", "aria-label": t("search.found"), hidden: true });
  const input = h("input", {
    type: "search", id: "search", role: "combobox", autocomplete: "off", placeholder: t("search.hint"), "aria-label": t("search.label"),
    "aria-controls": "found", "aria-expanded": "false", "data-key": "search",
  });
  let found = [];
  let at = 0;

  const show = () => {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = layers.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
    found = words.length ? fitting.toSorted((a, b) => a.name.length - b.name.length).slice(0, MOST) : []; // 4e/5x5 before its reduction
    list.hidden = !words.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.setAttribute("aria-activedescendant", found.length ? `found-${at}` : "");
    list.replaceChildren(...(found.length ? found.map(option) : [h("li", { class: "nothing" }, t("search.nothing"))]));
  };
  const option = (layer, i) =>
    h("li", { role: "option", id: `found-${i}`, "aria-selected": String(i === at), onpointerdown: (event) => { event.preventDefault(); choose(layer); } }, h("code", {}, layer.name), " ", h("span", { class: "soft" }, layerWords(layer)));
  const choose = (layer) => {
    input.value = "";
    at = 0;
    show();
    set({ layer: layer.name, tab: "layer" });
  };

  input.addEventListener("input", () => { at = 0; show(); });
  input.addEventListener("blur", () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") at = Math.max(0, Math.min(found.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
    else if (event.key === "Enter" && found[at]) return choose(found[at]);
    else if (event.key === "Escape") input.value = "";
    else return;
    event.preventDefault();
    show();
  });
  return h("div", { class: "search" }, input, list);
}

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  document.getElementById("search").focus();
});
