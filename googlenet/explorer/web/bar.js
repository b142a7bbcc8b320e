// The head of the page: title, photographs, search, tour, language, light or dark; and its foot.

import { data, network } from "explorer/data";
import { fill, h, value } from "explorer/dom";
import { drawSearch } from "explorer/search";
import { onChange, set, state } from "explorer/state";
import { count, t } from "explorer/words";

const header = document.getElementById("bar");

function draw() {
  document.documentElement.lang = state.language;
  document.documentElement.style.colorScheme = state.dark ? "dark" : "light";
  document.getElementById("skip").textContent = t("page.skip");
  fill(header, title(), h("div", { class: "controls" }, pictures(), drawSearch(), tour(), language(), scheme()));
  fill(document.getElementById("foot"), h("p", {}, t("page.foot", { version: data.version })));
}

function title() {
  return h(
    "div",
    { class: "title" },
    h("h1", {}, t("page.title")),
    h(
      "p",
      {},
      h("strong", {}, data.model.name),
      ` · ${network.variant} · ${t("page.classes", { count: count(network.classes) })} · `,
      value(t("cost.parameters", { count: count(network.totals.main.parameters) }), "total-parameters"),
      " · ",
      value(t("cost.macs", { count: count(network.totals.main.macs) }), "total-macs"),
    ),
  );
}

function pictures() {
  if (data.pictures.length < 2) return null;
  return h(
    "label",
    { class: "picker" },
    t("page.picture"),
    h("select", { "data-key": "picture", onchange: (event) => set({ picture: Number(event.target.value), evidence: 0 }) }, data.pictures.map((seen, i) => h("option", { value: i, selected: i === state.picture }, seen.name))),
  );
}

const tour = () => h("button", { class: "primary", "data-key": "tour", onclick: () => set({ step: 0 }) }, t("tour.start"));

function language() {
  const [other, words] = Object.entries(data.languages).find(([code]) => code !== state.language);
  return h("button", { lang: other, "data-key": "language", onclick: () => set({ language: other }) }, words);
}

function scheme() {
  return h("button", { "data-key": "scheme", "aria-pressed": String(state.dark), onclick: () => set({ dark: !state.dark }) }, t("page.dark"));
}

onChange(["picture", "dark"], draw);
