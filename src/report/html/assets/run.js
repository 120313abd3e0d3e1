// All traces of the report: their service graph, and any two of them side by side.

// Maximum number of traces in a list; a search finds the others.
const MOST_LISTED = 500;

let runParts;
function run() {
  runParts ??= JSON.parse(find("#run-data").textContent);
  return runParts;
}

function runView() {
  const { graph, traces } = run();
  let views, pair;
  const chooseService = (name) => {
    views.choose("Two traces");
    pair.search(name);
  };
  const spans = graph.services.reduce((all, service) => all + service.spans, 0);
  views = tabs("Traces of the run", [
    { label: "Services", note: count(graph.services.length), panel: () => serviceGraph(graph, chooseService) },
    { label: "Two traces", panel: () => { pair = pairView(traces); return pair.element; } },
  ]);
  return el("article", { "aria-labelledby": "run-title" },
    el("header", { class: "spec-head" },
      el("button", { type: "button", class: "back", onclick: () => { location.hash = ""; } }, "‹ All specs"),
      el("h2", { id: "run-title", tabindex: -1 }, "All traces of the run"),
      el("p", { class: "faint" }, `${counted(traces.length, "trace")} · ${counted(spans, "span")} · ${counted(graph.services.length, "service")}`)),
    views.element);
}

// The data of a listed trace, with the marks of its step.
function readListed(entry) {
  const step = readSpec(entry.spec).attempts[entry.attempt].steps[entry.step];
  const told = { traces: () => step.traces[entry.at], load: () => step.load.traces[entry.at], earlier: () => step.earlier.trace }[entry.list]();
  return { trace: readTrace(told), marks: entry.list === "traces" ? marksOf(step) : new Map() };
}

const specName = (entry) => find(".name", items[entry.spec - 1]).textContent;
const traceName = (entry) => [entry.id.slice(0, 8), entry.label, counted(entry.spans, "span"), entry.duration !== null && duration(entry.duration)].filter(Boolean).join(" · ");

function pairView(traces) {
  const { services } = run();
  const texts = traces.map((entry) => [specName(entry), entry.label, entry.id, ...entry.services.map((at) => services[at])].join(" ").toLowerCase());
  // A trace that failed, and another one of the same spec if there is one.
  const first = Math.max(0, traces.findIndex((entry) => items[entry.spec - 1].dataset.kind === "failed"));
  const alike = traces.findIndex((entry, at) => at !== first && entry.spec === traces[first].spec);
  const chosen = [first, alike >= 0 ? alike : Math.min(first + 1, traces.length - 1)];
  const titles = ["Left trace", "Right trace"];
  const selects = titles.map((title, side) => el("select", { "aria-label": title, onchange: (event) => { chosen[side] = Number(event.target.value); draw(); } }));
  const found = el("span", { class: "found", role: "status" });
  const filter = el("input", { type: "search", placeholder: "Find traces", "aria-label": "Find traces by spec, service or id", autocomplete: "off", spellcheck: "false", oninput: list });
  const below = el("div", { class: "pair" });
  let drawn = null;

  function list() {
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = traces.map((_, at) => at).filter((at) => wanted.every((text) => texts[at].includes(text)));
    const shown = fitting.slice(0, MOST_LISTED);
    found.textContent = wanted.length === 0 && shown.length === fitting.length ? "" : `${count(fitting.length)} found${shown.length < fitting.length ? `, the first ${count(shown.length)} are listed` : ""}`;
    selects.forEach((select, side) => {
      const all = shown.includes(chosen[side]) ? shown : [chosen[side], ...shown];
      const groups = new Map();
      for (const at of all) {
        const name = specName(traces[at]);
        if (!groups.has(name)) groups.set(name, el("optgroup", { label: name }));
        groups.get(name).append(el("option", { value: at, selected: at === chosen[side] }, traceName(traces[at])));
      }
      select.replaceChildren(...groups.values());
    });
  }
  function draw() {
    drawn?.end();
    const sides = chosen.map((at) => readListed(traces[at]));
    drawn = pairOf(sides, chosen.map((at, side) => `${side === 0 ? "Left" : "Right"}: ${specName(traces[at])}`));
    below.replaceChildren(...drawn.elements);
    announce(chosen.map((at) => `${specName(traces[at])}, ${traceName(traces[at])}`).join("; "));
  }
  function swap() {
    chosen.reverse();
    list();
    draw();
  }
  list();
  draw();
  const element = el("div", { class: "compare" },
    el("div", { class: "tools pair-tools" },
      filter, found,
      titles.map((title, side) => el("label", {}, el("span", {}, title), selects[side])),
      el("button", { type: "button", onclick: swap }, "Swap")),
    below);
  return { element, search: (text) => { filter.value = text; list(); filter.focus(); } };
}

// Two traces with their differences.
function pairOf(sides, titles) {
  const traces = sides.map(({ trace }) => trace);
  if (traces[0].id === traces[1].id && traces[0].spans.length === traces[1].spans.length) {
    const both = sideBySide(traces, sides.map(({ marks }) => marks), titles);
    return { elements: [el("p", { class: "hint" }, "Both sides show the same trace."), both.element], end: both.end };
  }
  const { changes, more } = differences(...traces);
  const marks = sides.map(({ marks: known }) => new Map(known));
  const mark = (side, change, text) => (side === 0 ? change.before : change.after).forEach((at) => {
    const { id } = traces[side].spans[at], known = marks[side].get(id);
    marks[side].set(id, known ? `${known}; ${text}` : text);
  });
  for (const change of changes) {
    const [left, right] = [change.before.length, change.after.length];
    mark(0, change, right === 0 ? "only here" : `${count(right)} on the right`);
    mark(1, change, left === 0 ? "only here" : `${count(left)} on the left`);
  }
  const both = sideBySide(traces, marks, titles);
  const heads = ["What", "Spans", "Left", "Right", "Where"];
  return { elements: [changeList(changes, more, heads, both.go), both.element], end: both.end };
}

// Numbers, long hexadecimal numbers and UUIDs in a name, which are ids; as in `trace/difference.rs`.
const IDS = /\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]*[0-9][0-9a-f]{7,}|[0-9]+)\b/gi;
const MOST_CHANGES = 300;

// Spans that only one of two traces has, or that have another number. Those below are counted there.
function differences(left, right) {
  const groups = [], known = new Map();
  [left, right].forEach((trace, side) => {
    const groupOf = [];
    for (const span of trace.spans) {
      const above = span.parent === null ? null : groupOf[span.parent];
      const key = JSON.stringify([above?.number ?? -1, span.service, span.name.replace(IDS, "#"), span.kind]);
      if (!known.has(key)) {
        const path = above ? [...above.path, [above.service, above.name]].slice(-8) : [];
        known.set(key, { number: groups.length, above, path, service: span.service, name: span.name, sides: [[], []], top: null });
        groups.push(known.get(key));
      }
      groupOf[span.number] = known.get(key);
      known.get(key).sides[side].push(span.number);
    }
  });
  const all = [];
  for (const group of groups) {
    const [before, after] = group.sides;
    const what = before.length === 0 ? "added" : after.length === 0 ? "missing" : before.length !== after.length ? "count" : null;
    if (what === null) continue;
    if (group.above?.top?.what === what) {
      group.top = group.above.top;
      group.top.below += Math.max(before.length, after.length);
    } else {
      group.top = { what, before, after, below: 0, was_below: [], path: group.path, service: group.service, name: group.name };
      all.push(group.top);
    }
  }
  return { changes: all.slice(0, MOST_CHANGES), more: Math.max(0, all.length - MOST_CHANGES) };
}
