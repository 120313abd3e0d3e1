// The details of a span: the panel beside the waterfall.

function attributeTable(all, marks = "") {
  if (all.length === 0) return el("p", { class: "faint" }, "none");
  return el("table", { class: "attributes" }, el("tbody", {}, all.map(({ key, value, type }) =>
    el("tr", { class: marks && marks.includes(key) ? "marked" : null }, el("th", { scope: "row" }, key),
      el("td", { class: `of-${type}`, title: type }, value === "" ? el("span", { class: "faint" }, "(empty)") : value)))));
}

function section(title, number, content, open = true) {
  return el("details", { open }, el("summary", {}, title, number === null ? null : el("span", { class: "note" }, count(number))), content);
}

// The dropped parts of a span, usually because of a limit of the SDK.
function droppedParts(span) {
  const nouns = ["attribute", "event", "link"];
  return span.dropped.map((number, at) => number > 0 && counted(number, nouns[at])).filter(Boolean);
}

// `goTo` follows a link, if its span is in one of these traces.
function spanPanel(trace, span, { mark, close, select, canGoTo, goTo }) {
  const [name, version, more] = span.scope;
  const parent = span.parent === null ? null : trace.spans[span.parent];
  const title = unique("span-title");
  const critical = span.critical?.reduce((all, [, length]) => all + length, 0);
  const panel = el("aside", { class: "span-panel", "aria-labelledby": title, tabindex: -1, onkeydown: (event) => {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
    } },
    el("div", { class: "panel-head" },
      el("h4", { id: title }, el("span", { class: "dot", style: { background: color(span.service) } }), el("span", { class: "service" }, span.service), " ", span.name),
      el("button", { type: "button", class: "close", "aria-label": "Close the details (Esc)", title: "Close (Esc)", onclick: close }, "×")),
    mark && el("p", { class: "mark" }, mark),
    span.status === "error" && el("p", { class: "error-message" }, el("b", {}, "error"), span.message ? ` ${span.message}` : ""),
    facts([
      ["duration", spanTime(span.duration)],
      ["itself", span.children.length > 0 && selfTime(trace, span) !== null ? duration(selfTime(trace, span)) : null],
      ["dropped", droppedParts(span).join(", ")],
      ["critical path", critical > 0 ? duration(critical) : null],
      ["starts at", duration(span.start)],
      ["kind", span.kind], ["status", span.status === "error" ? null : span.status],
      ["parent", parent ? el("button", { type: "button", class: "link", onclick: () => select(parent) }, parent.name)
        : span.missingParent ? `${span.missingParent}, which never arrived` : null],
      ["span id", el("code", {}, span.id)],
      ["scope", [word(name), word(version)].filter(Boolean).join(" ")],
      ["trace state", span.traceState],
    ]),
    section("Attributes", span.attributes.length, attributeTable(span.attributes, mark)),
    span.events.length > 0 && section("Events", span.events.length, el("ol", { class: "events" }, span.events.map((event) =>
      el("li", {}, el("b", {}, event.name), el("span", { class: "faint" }, ` after ${event.after < 0 ? "−" : ""}${duration(Math.abs(event.after))}`),
        event.attributes.length > 0 && attributeTable(event.attributes))))),
    span.links.length > 0 && section("Links", span.links.length, el("ol", { class: "links" }, span.links.map((link) =>
      el("li", {}, canGoTo(link) ? el("button", { type: "button", class: "link", onclick: () => goTo(link) }, "to the linked span") : el("span", {}, "to a span outside this report"),
        el("code", {}, ` ${link.trace.slice(0, 8)}… ${link.span}`), link.attributes.length > 0 && attributeTable(link.attributes))))),
    section("Resource", span.resource.length, attributeTable(span.resource), false),
    attributes(more).length > 0 && section("Scope attributes", null, attributeTable(attributes(more)), false));
  return panel;
}

// The waterfall of a step with all its traces, and the panel beside it.
function traceView(step, traces, marks) {
  const box = el("div", { class: "trace-view" });
  let waterfall, panel, chosen = 0;

  const close = () => {
    if (!panel) return;
    panel.remove();
    panel = null;
    box.classList.remove("has-panel");
    waterfall.grid.focus({ preventScroll: true });
  };
  const traceOf = (link) => traces.findIndex((trace) => trace.id === link.trace && trace.byId.has(link.span));
  const open = (span) => {
    panel?.remove();
    panel = spanPanel(traces[chosen], span, {
      mark: marks.get(span.id), close,
      select: (other) => waterfall.select(other.number, { opens: true }),
      canGoTo: (link) => traceOf(link) >= 0,
      goTo: (link) => { choose(traceOf(link)); show(link.span); },
    });
    box.classList.add("has-panel");
    split.append(panel);
    announce(`${span.service}, ${span.name}: details`);
  };
  const show = (id) => {
    const at = traces.findIndex((trace) => trace.byId.has(id));
    if (at < 0) return false;
    choose(at);
    waterfall.center(traces[at].byId.get(id));
    open(traces[at].spans[waterfall.current]);
    return true;
  };
  const choose = (at) => {
    if (waterfall && at === chosen) return;
    chosen = at;
    panel?.remove();
    panel = null;
    box.classList.remove("has-panel");
    const label = at === 0 ? "Trace" : `Linked trace ${traces[at].id}`;
    waterfall = new Waterfall(traces[at], { label, marks, openSpan: open });
    split.replaceChildren(waterfall.element);
    if (picker) picker.value = String(at);
  };
  const picker = traces.length > 1 ? el("select", { "aria-label": "Which trace", onchange: () => choose(Number(picker.value)) },
    traces.map((trace, at) => el("option", { value: at }, at === 0 ? `judged trace: ${counted(trace.spans.length, "span")}`
      : `linked trace ${trace.id.slice(0, 8)}…: ${trace.spans[0]?.name ?? ""}`))) : null;
  const split = el("div", { class: "split" });
  box.append(...[picker && el("p", { class: "picker" }, "Shown: ", picker), split].filter(Boolean));
  choose(0);
  box.addEventListener("keydown", (event) => { if (event.key === "Escape" && panel) { event.stopPropagation(); close(); } });
  return { element: box, show, get waterfall() { return waterfall; }, shown: () => {
    const first = waterfall.firstMarked();
    if (first !== undefined && !panel) waterfall.center(first);
  } };
}

