// The trace beside that of the last run in which the step passed, with structural differences.

const CHANGES = { added: ["+", "new"], missing: ["−", "missing"], moved: ["→", "moved"], count: ["×", "other number"] };

function compareView(earlier, now) {
  const before = readTrace(earlier.trace);
  const beforeMarks = new Map(), nowMarks = new Map();
  for (const change of earlier.changes) {
    const say = (trace, spans, marks, text) => spans.forEach((at) => marks.set(trace.spans[at].id, text));
    say(before, change.before, beforeMarks, { missing: "missing now", moved: "elsewhere now", count: `now ${count(change.after.length)}` }[change.what]);
    if (now) say(now, change.after, nowMarks, { added: "new", moved: "was elsewhere", count: `was ${count(change.before.length)}` }[change.what]);
  }
  const left = new Waterfall(before, { label: "When it passed", marks: beforeMarks, compact: true, openItem: (item) => open(before, item, beforeMarks, left) });
  const right = now && new Waterfall(now, { label: "This run", marks: nowMarks, compact: true, openItem: (item) => open(now, item, nowMarks, right) });
  const details = el("div", { class: "details-below" });
  function open(trace, item, marks, waterfall) {
    const close = () => { details.replaceChildren(); waterfall.grid.focus({ preventScroll: true }); };
    details.replaceChildren(itemPanel(trace, item, { mark: marks.get(item.id), close, select: (other) => waterfall.select(other.number, { opens: true }), canGoTo: () => false, goTo: () => {} }));
  }
  function go(change) {
    if (change.before.length > 0) left.center(change.before[0]);
    if (right && change.after.length > 0) right.center(change.after[0]);
    announce(`${change.name}: shown in the traces`);
  }
  return el("div", { class: "compare" },
    el("p", {}, "It passed on ", el("time", { datetime: earlier.started }, moment(earlier.started)), " with the trace in ", el("code", {}, earlier.path), "."),
    changeList(earlier, now, go),
    el("div", { class: "side-by-side" },
      el("section", { "aria-label": "When it passed" }, el("h4", {}, "When it passed"), left.element),
      el("section", { "aria-label": "This run" }, el("h4", {}, "This run"), right ? right.element : el("p", { class: "empty" }, "No span arrived."))),
    details);
}

function changeList(earlier, now, go) {
  if (!now) return el("p", { class: "hint" }, "No span arrived in this run, so there is no comparison.");
  if (earlier.changes.length === 0) return el("p", { class: "hint" }, "Both traces have the same structure: the same spans of the same services below the same others. Differences are in times or attributes.");
  const rows = earlier.changes.map((change) => {
    const [sign, text] = CHANGES[change.what];
    return el("tr", { class: `change ${change.what}` },
      el("td", { class: "sign" }, el("span", { "aria-hidden": "true" }, sign), " ", text),
      el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => go(change) }, el("span", { class: "dot", style: { background: color(change.service) } }), el("span", { class: "service" }, change.service), " ", change.name),
        change.below > 0 && el("span", { class: "faint" }, ` and ${counted(change.below, "span")} below`)),
      el("td", { class: "number" }, count(change.before.length)), el("td", { class: "number" }, count(change.after.length)),
      el("td", { class: "faint" }, change.what === "moved" ? `below ${above(change.path)}, was below ${above(change.was_below)}` : `below ${above(change.path)}`));
  });
  return el("div", { class: "table-scroll" }, el("table", { class: "changes" }, el("caption", {}, counted(earlier.changes.length + earlier.more_changes, "change"), " of structure"),
    el("thead", {}, el("tr", {}, ["What", "Spans", "Before", "Now", "Where"].map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)),
    earlier.more_changes > 0 && el("p", { class: "faint" }, `… and ${count(earlier.more_changes)} more`));
}

// The two nearest ancestors of a span.
function above(path) {
  if (path.length === 0) return "the request";
  return (path.length > 2 ? "… › " : "") + path.slice(-2).map(([service, name]) => `${service} ${name}`).join(" › ");
}

