// The details of a span or of a log record: the panel beside the waterfall.

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

// A log record in full. Its exception is not repeated among its attributes.
function recordContent(record) {
  const [type, message, stack] = ["type", "message", "stacktrace"].map((key) => record.attribute(`exception.${key}`));
  const others = record.attributes.filter(({ key, value }) => value === "" || ![`exception.type`, `exception.message`, `exception.stacktrace`].includes(key));
  return [
    record.body !== "" && el("p", { class: "record-body" }, record.body),
    (type || message) && el("p", { class: "error-message" }, el("b", {}, type || "exception"), message && ` ${message}`),
    stack && section("Stack trace", null, el("pre", { tabindex: 0, "aria-label": "Stack trace" }, stack), false),
    facts([["event", record.event], ["logger", word(record.scope[0])], ["dropped", record.dropped > 0 ? counted(record.dropped, "attribute") : null]]),
    others.length > 0 && attributeTable(others),
  ];
}

const severityOf = (record) => el("span", { class: `severity ${record.level}` }, record.severity);

function recordList(span) {
  const { records, moreRecords } = span;
  return section("Log records", records.length + moreRecords, [
    el("ol", { class: "logs" }, records.map((record) =>
      el("li", {}, severityOf(record), el("span", { class: "faint" }, record.at === null ? " without a time" : ` at ${offset(record.at)}`), recordContent(record)))),
    moreRecords > 0 && el("p", { class: "faint" }, `… and ${counted(moreRecords, "less severe record")}, which the saved trace contains`)]);
}

// The measurements in a span that metrics have as exemplars.
function exemplarList(span) {
  return section("Exemplar of", span.exemplars.length, el("ol", { class: "exemplars" }, span.exemplars.map(({ metric, measured, attributes: list }) =>
    el("li", {}, el("b", {}, metric), ` ${measured}`, list.length > 0 && attributeTable(list)))));
}

// `title` is an element with an id.
function panelOf(title, close, ...content) {
  return el("aside", { class: "span-panel", "aria-labelledby": title.id, tabindex: -1, onkeydown: (event) => {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
    } },
    el("div", { class: "panel-head" }, title,
      el("button", { type: "button", class: "close", "aria-label": "Close the details (Esc)", title: "Close (Esc)", onclick: close }, "×")),
    ...content);
}

function recordPanel(trace, record, { close, select }) {
  const span = trace.spans[record.span];
  const title = el("h4", { id: unique("record-title") }, severityOf(record), " ", el("span", { class: "service" }, record.service), " ", record.title.slice(0, LONGEST));
  return panelOf(title, close,
    facts([["at", record.at === null ? "without a time" : offset(record.at)],
      ["span", span ? el("button", { type: "button", class: "link", onclick: () => select(span) }, span.name) : "none that arrived"]]),
    ...recordContent(record),
    section("Resource", record.resource.length, attributeTable(record.resource), false));
}

// `goTo` follows a link, if its span is in one of these traces.
function spanPanel(trace, span, { mark, close, select, canGoTo, goTo }) {
  const [name, version, more] = span.scope;
  const parent = span.parent === null ? null : trace.spans[span.parent];
  const critical = span.critical?.reduce((all, [, length]) => all + length, 0);
  const title = el("h4", { id: unique("span-title") }, el("span", { class: "dot", style: { background: color(span.service) } }), el("span", { class: "service" }, span.service), " ", span.name);
  return panelOf(title, close,
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
    span.records.length + span.moreRecords > 0 && recordList(span),
    span.exemplars.length > 0 && exemplarList(span),
    span.events.length > 0 && section("Events", span.events.length, el("ol", { class: "events" }, span.events.map((event) =>
      el("li", {}, el("b", {}, event.name), el("span", { class: "faint" }, ` after ${event.after < 0 ? "−" : ""}${duration(Math.abs(event.after))}`),
        event.attributes.length > 0 && attributeTable(event.attributes))))),
    span.links.length > 0 && section("Links", span.links.length, el("ol", { class: "links" }, span.links.map((link) =>
      el("li", {}, canGoTo(link) ? el("button", { type: "button", class: "link", onclick: () => goTo(link) }, "to the linked span") : el("span", {}, "to a span outside this report"),
        el("code", {}, ` ${link.trace.slice(0, 8)}… ${link.span}`), link.attributes.length > 0 && attributeTable(link.attributes))))),
    section("Resource", span.resource.length, attributeTable(span.resource), false),
    attributes(more).length > 0 && section("Scope attributes", null, attributeTable(attributes(more)), false));
}

// `item` is a span or a log record.
function itemPanel(trace, item, options) {
  return item.item < 0 ? recordPanel(trace, item, options) : spanPanel(trace, item, options);
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
  const open = (item) => {
    panel?.remove();
    panel = itemPanel(traces[chosen], item, {
      mark: marks.get(item.id), close,
      select: (other) => waterfall.select(other.number, { opens: true }),
      canGoTo: (link) => traceOf(link) >= 0,
      goTo: (link) => { choose(traceOf(link)); show(link.span); },
    });
    box.classList.add("has-panel");
    split.append(panel);
    announce(`${item.service}, ${item.name ?? item.severity}: details`);
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
    waterfall = new Waterfall(traces[at], { label, marks, openItem: open });
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

