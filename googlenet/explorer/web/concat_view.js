// What each branch of a module adds to the concatenation, channel by channel.

import { branchEnds, tone } from "explorer/data";
import { h, value } from "explorer/dom";
import { picture } from "explorer/state";
import { branchWords, count, figure, percent, t } from "explorer/words";

const HEIGHT = 96;

export function drawConcatenation(block) {
  const { profile, branches } = picture().modules[block.name];
  const ends = branchEnds(block);
  const reading = h("output", { class: "reading" }, t("concat.point"));
  return h(
    "section",
    { class: "concatenation", "aria-label": t("concat.title") },
    h("h3", {}, t("concat.title")),
    drawProfile(block, profile, branches, reading),
    reading,
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("concat.title") }, h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ["concat.branch", "concat.channels", "concat.share", "concat.silent"].map((key) => h("th", { scope: "col" }, t(key))))),
      h(
        "tbody",
        {},
        branches.map((branch, i) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, h("span", { class: "dot", style: { background: `var(--${tone(ends[i])}-line)` } }), branchWords(branch.end)),
            h("td", {}, value(count(branch.channels), "branch-channels", { layer: branch.end })),
            h("td", {}, value(percent(branch.share), "share", { layer: branch.end })),
            h("td", {}, value(count(branch.silent), "branch-silent", { layer: branch.end })),
          ),
        ),
      ),
    )),
    h("p", { class: "note" }, t("concat.note")),
  );
}

function drawProfile(block, profile, branches, reading) {
  const top = Math.max(...profile) || 1;
  // One path a branch: a rectangle for each of a thousand channels would be slow to lay out.
  const bars = branches.map((branch) => {
    const means = profile.slice(branch.first, branch.first + branch.channels);
    const bar = (mean, i) => `M${branch.first + i} ${HEIGHT}v${-Math.max(0, (HEIGHT * mean) / top)}h0.9V${HEIGHT}z`;
    return h("path", { d: means.map(bar).join(""), fill: `var(--${tone(branch.end)}-line)` });
  });
  const svg = h("svg", { class: "profile", viewBox: `0 0 ${profile.length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": t("concat.profile", { count: profile.length }) }, bars);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const channel = Math.min(profile.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * profile.length)));
    const branch = branches.find((part) => channel < part.first + part.channels);
    const where = { module: block.name, channel };
    reading.replaceChildren(`${t("maps.channel", { channel })} (${branchWords(branch.end)}): ${t("maps.mean")} `, value(figure(profile[channel]), "profile", where));
  });
  return svg;
}
