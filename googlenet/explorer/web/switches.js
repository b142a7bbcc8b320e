// Branches and channels switched off: what was computed beforehand, and the switches.

import { branchEnds } from "explorer/data";
import { h } from "explorer/dom";
import { picture, set, state } from "explorer/state";
import { branchWords, t } from "explorer/words";

// The answer now: as the network gives it, or with the part that is switched off.
export function answerNow() {
  const seen = picture();
  if (!state.off) return seen.opinions.main;
  const { module, branches, channel } = state.off;
  return branches ? seen.switches[module].branches[branches] : seen.switches[module].channels[channel];
}

// Five classes to show: the likeliest now, and always the one that was the answer.
export function shownNow() {
  const now = answerNow();
  const [answer] = picture().opinions.main[0];
  const five = now.slice(0, 5);
  return five.some(([index]) => index === answer) ? five : [...five.slice(0, 4), now.find(([index]) => index === answer)];
}

export const before = (index) => picture().opinions.main.find(([i]) => i === index)?.[1];

export function offWords(blockByName) {
  const { module, branches, channel } = state.off;
  const name = module.replace("inception_", "");
  if (!branches) return t("off.channel", { channel, module: name });
  const ends = branchEnds(blockByName.get(module)).filter((_, i) => branches[i] === "0");
  return t("off.branches", { branches: ends.map(branchWords).join(", "), module: name });
}

const choiceOf = (block) => (state.off?.module === block.name && state.off.branches) || "1".repeat(block.branches.length);

export function branchSwitch(block, i, name) {
  const on = choiceOf(block)[i] === "1";
  const flip = () => {
    const choice = [...choiceOf(block)].map((digit, j) => (j === i ? String(1 - digit) : digit)).join("");
    set({ off: choice.includes("0") ? { module: block.name, branches: choice } : null });
  };
  return drawSwitch(on, flip, t("switch.branch", { name, module: block.name.replace("inception_", "") }), `branch ${block.name} ${i}`);
}

export function channelSwitch(block, channel, name) {
  const on = !(state.off?.module === block.name && state.off.channel === channel);
  return drawSwitch(on, () => set({ off: on ? { module: block.name, channel } : null }), name, `channel ${block.name} ${channel}`);
}

function drawSwitch(on, flip, label, key) {
  return h("button", { class: "switch", role: "switch", "aria-checked": String(on), "aria-label": label, "data-key": key, onclick: flip }, h("span", { class: "knob" }), t(on ? "switch.on" : "switch.off"));
}
