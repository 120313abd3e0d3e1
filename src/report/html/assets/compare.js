// Two traces side by side: the trace beside that of the last run in which the step passed, with structural differences.

const CHANGES = { added: ["+", "new"], missing: ["−", "missing"], moved: ["→", "moved"], count: ["×", "other number"] };

function compareView(earlier, now) {
  const before = readTrace(earlier.trace);
  const beforeMarks = new Map(), nowMarks = new Map();
  for (const change of earlier.changes) {
    const say = (trace, spans, marks, text) => spans.forEach((at) => marks.set(trace.spans[at].id, text));
    say(before, change.before, beforeMarks, { missing: "missing now", moved: "elsewhere now", count: `now ${count(change.after.length)}` }[change.what]);
    if (now) say(now, change.after, nowMarks, { added: "new", moved: "was elsewhere", count: `was ${count(change.before.length)}` }[change.what]);
  }
  const both = sideBySide([before, now], [beforeMarks, nowMarks], ["When it passed", "This run"]);
  return el("div", { class: "compare" },
    el("p", {}, "It passed on ", el("time", { datetime: earlier.started }, moment(earlier.started)), " with the trace in ", el("code", {}, earlier.path), "."),
    now ? changeList(earlier.changes, earlier.more_changes, ["What", "Spans", "Before", "Now", "Where"], both.go)
      : el("p", { class: "hint" }, "No span arrived in this run, so there is no comparison."),
    both.element);
}

// Two traces, of which the second can be missing. `go` shows a change in both, and `end` ends their redrawing.
function sideBySide(traces, marks, titles) {
  const details = el("div", { class: "details-below" });
  const waterfall = (side) => traces[side] && new Waterfall(traces[side], { label: titles[side], marks: marks[side], compact: true, openItem: (item) => open(side, item) });
  const both = [0, 1].map(waterfall);
  function open(side, item) {
    const close = () => { details.replaceChildren(); both[side].grid.focus({ preventScroll: true }); };
    details.replaceChildren(itemPanel(traces[side], item, { mark: marks[side].get(item.id), close, select: (other) => both[side].select(other.number, { opens: true }), canGoTo: () => false, goTo: () => {} }));
  }
  function go(change) {
    if (change.before.length > 0) both[0].center(change.before[0]);
    if (both[1] && change.after.length > 0) both[1].center(change.after[0]);
    announce(`${change.name}: shown in the traces`);
  }
  const section = (side) => el("section", { "aria-label": titles[side] }, el("h4", {}, titles[side]), both[side] ? both[side].element : el("p", { class: "empty" }, "No span arrived."));
  const element = el("div", { class: "both" }, el("div", { class: "side-by-side" }, section(0), section(1)), details);
  return { element, go, end: () => both.forEach((one) => waterfalls.delete(one)) };
}

function changeList(changes, more, heads, go) {
  if (changes.length === 0) return el("p", { class: "hint" }, "Both traces have the same structure: the same spans of the same services below the same others. Differences are in times or attributes.");
  const rows = changes.map((change) => {
    const [sign, text] = CHANGES[change.what];
    return el("tr", { class: `change ${change.what}` },
      el("td", { class: "sign" }, el("span", { "aria-hidden": "true" }, sign), " ", text),
      el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => go(change) }, el("span", { class: "dot", style: { background: color(change.service) } }), el("span", { class: "service" }, change.service), " ", change.name),
        change.below > 0 && el("span", { class: "faint" }, ` and ${counted(change.below, "span")} below`)),
      el("td", { class: "number" }, count(change.before.length)), el("td", { class: "number" }, count(change.after.length)),
      el("td", { class: "faint" }, change.what === "moved" ? `below ${above(change.path)}, was below ${above(change.was_below)}` : `below ${above(change.path)}`));
  });
  return el("div", { class: "table-scroll" }, el("table", { class: "changes" }, el("caption", {}, counted(changes.length + more, "change"), " of structure"),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)),
    more > 0 && el("p", { class: "faint" }, `… and ${count(more)} more`));
}

// The two nearest ancestors of a span.
function above(path) {
  if (path.length === 0) return "the request";
  return (path.length > 2 ? "… › " : "") + path.slice(-2).map(([service, name]) => `${service} ${name}`).join(" › ");
}
