// The strongest channels of a layer, as pictures with their numbers.

import { blockOf, computing, isModule, lastLayer, layerByName, network, offsetInModule } from "explorer/data";
import { h, value } from "explorer/dom";
import { picture, set, state } from "explorer/state";
import { channelSwitch } from "explorer/switches";
import { count, figure, shape, t } from "explorer/words";

export function drawMaps(layer) {
  const title = h("h3", {}, t("maps.title"), " ", h("code", {}, layer));
  if (!picture()) return h("section", {}, title, h("p", { class: "note" }, t("maps.no_image")));
  const source = computing(layer);
  if (Object.values(network.outputs).includes(source)) return h("section", {}, title, h("p", { class: "note" }, t("maps.logits")), toEvidence());
  const maps = picture().layers[source];
  return h(
    "section",
    { "aria-label": `${t("maps.title")} ${layer}` },
    title,
    source === layer ? null : h("p", { class: "note" }, t("maps.dropout", { layer: source })),
    h("p", { class: "note" }, summary(source, maps)),
    h("ul", { class: "maps" }, maps.channels.map((entry) => drawChannel(source, entry))),
  );
}

const toEvidence = () => h("button", { onclick: () => set({ tab: "evidence" }) }, t("tab.evidence"));

function summary(layer, maps) {
  const { output } = layerByName.get(layer);
  return [
    t("maps.summary", { shown: maps.channels.length, count: count(output[0]), shape: shape(output) }),
    " ",
    t("maps.mean"), " ", value(figure(maps.mean), "layer-mean", { layer }), ", ",
    t("maps.max"), " ", value(figure(maps.max), "layer-max", { layer }), ", ",
    t("maps.silent"), " ", value(count(maps.silent), "silent", { layer }), ".",
  ];
}

function drawChannel(layer, { channel, mean, max, image }) {
  const name = t("maps.channel", { channel });
  return h(
    "li",
    { class: "channel" },
    image ? h("img", { class: "map", src: image, alt: `${name}: ${t("maps.mean")} ${figure(mean)}`, "data-kind": "map", "data-layer": layer, "data-channel": channel }) : null,
    h("strong", {}, name),
    h("span", {}, `${t("maps.mean")} `, value(figure(mean), "mean", { layer, channel })),
    image ? h("span", {}, `${t("maps.max")} `, value(figure(max), "max", { layer, channel })) : null,
    switchOf(layer, channel, name),
  );
}

function switchOf(layer, channel, name) {
  const first = offsetInModule(layer);
  const block = blockOf(layer);
  if (first === null || !isModule(block) || !(first + channel in picture().switches[block.name].channels)) return null;
  return channelSwitch(block, first + channel, layer === lastLayer(block) ? name : `${name}, ${layer}`);
}
