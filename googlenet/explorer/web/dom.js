// Elements, and how a part of the page is exchanged for another without losing the reader's place.

const SVG = new Set(["svg", "rect", "line", "g", "title", "path", "text"]);

// h("button", { class: "x", onclick: f, "aria-label": "…" }, "words", element, null)
export function h(tag, attributes = {}, ...children) {
  const element = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, words] of Object.entries(value)) element.style.setProperty(key, words);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Where `data-key` of the focused element comes back, the focus does too; a keyboard's reader would be lost otherwise.
export function fill(container, ...children) {
  const key = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (key) container.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

// A number, with what it is a number of: `data-kind="mean" data-layer="…" data-channel="3"`.
export function value(words, kind, where = {}) {
  const names = Object.fromEntries(Object.entries(where).map(([name, of]) => [`data-${name}`, of]));
  return h("span", { class: "value", "data-kind": kind, ...names }, words);
}

// The arrow keys walk through `items`, of which only one stands in the tab order.
export function rove(container, selector) {
  container.addEventListener("keydown", (event) => {
    const items = [...container.querySelectorAll(selector)];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    items[Math.max(0, Math.min(items.length - 1, to))].focus();
  });
}
