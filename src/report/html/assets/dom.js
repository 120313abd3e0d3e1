// Basic functions for elements, numbers and tabs. Text becomes text nodes, never markup.

const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

// Creates an element with `class`, `on…` handlers, `style` (set through the CSSOM, because of the
// page's policy) and attributes. Omits null, false and empty strings.
function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") element.setAttribute("class", value);
    else if (key === "style") Object.entries(value).forEach(([name, to]) => element.style.setProperty(name, to));
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : printable(String(value)));
  }
  const there = children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false && child !== "");
  element.append(...there.map((child) => typeof child === "string" ? printable(child) : child));
  return element;
}

// Invisible characters and bidirectional formatting become escapes; line ends stay.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const printable = (text) => text.replace(UNPRINTABLE, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

// A unique id.
let uniques = 0;
const unique = (name) => `${name}-${++uniques}`;

const count = (number) => number.toLocaleString("en-US");
const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

// Nanoseconds with at most three significant digits, as in all reports.
function duration(ns) {
  if (ns >= 59.95e9) return inTwoUnits(ns >= 3599.5e9 ? [Math.round(ns / 6e10), "h", "min"] : [Math.round(ns / 1e9), "min", "s"]);
  const rounded = ns === 0 ? 0 : Number(ns.toPrecision(3));
  const [unit, divisor] = rounded === 0 ? ["ms", 1] : rounded < 1e3 ? ["ns", 1] : rounded < 1e6 ? ["µs", 1e3] : rounded < 1e9 ? ["ms", 1e6] : ["s", 1e9];
  return `${Number((rounded / divisor).toPrecision(3))} ${unit}`;
}
const inTwoUnits = ([small, bigName, smallName]) =>
  [[Math.floor(small / 60), bigName], [small % 60, smallName]].filter(([n]) => n > 0).map(([n, name]) => `${count(n)} ${name}`).join(" ");
const ofMillis = (ms) => duration(ms * 1e6);
const moment = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

// Announces a text to screen readers.
function announce(text) {
  find("#status").textContent = printable(text);
}

const isTyping = (event) => event.target.closest("input, textarea, select") !== null;
const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;

// Tabs: a list of { label, note, bad, panel }; `panel` creates the content when it is first shown.
// Arrow keys change the tab.
function tabs(label, all, chosen = 0) {
  const panels = all.map(() => el("div", { role: "tabpanel", id: unique("panel"), tabindex: -1 }));
  const buttons = all.map((tab, at) =>
    el("button", { role: "tab", type: "button", id: unique("tab"), "aria-controls": panels[at].id,
                   class: tab.bad ? "bad" : null, onclick: () => choose(at) },
       tab.label, tab.note ? el("span", { class: "note" }, tab.note) : null));
  panels.forEach((panel, at) => panel.setAttribute("aria-labelledby", buttons[at].id));

  function choose(at) {
    buttons.forEach((button, other) => {
      button.setAttribute("aria-selected", String(other === at));
      button.tabIndex = other === at ? 0 : -1;
      panels[other].hidden = other !== at;
    });
    if (!panels[at].firstChild) panels[at].append(...[all[at].panel()].flat());
    all[at].shown?.();
  }
  function onkeydown(event) {
    const at = buttons.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  }
  const list = el("div", { role: "tablist", "aria-label": label, class: "tabs", onkeydown }, buttons);
  const element = el("div", { class: "tabbed" }, list, panels);
  choose(chosen);
  return { element, choose: (name) => choose(Math.max(0, all.findIndex((tab) => tab.label === name))) };
}

// A list of keys and values, which are texts or elements.
function facts(rows) {
  return el("dl", { class: "facts-list" },
    rows.filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)]).flat());
}

