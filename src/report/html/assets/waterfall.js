// A trace as a tree with bars, and rows of log records below their spans. Rows are addressed by items:
// numbers of spans, and negative numbers of log records. Only visible rows are elements, which keeps large traces fast; screen
// readers get the number of all rows.

const ROW = 26;
const SPARE = 10;
// In pixels: the width of a letter, and the space right of the bars for durations.
const LETTER = 6.8;
const MARGIN = 72;
// Maximum length of the text of a log record in a row, and number of marks of log records on a bar.
const LONGEST = 300;
const MOST_MARKS = 100;

// The waterfalls of the open spec; for printing, all rows are drawn.
const waterfalls = new Set();

class Waterfall {
  // `marks` maps span ids to the texts of marks.
  constructor(trace, { label, marks = new Map(), openItem = () => {}, compact = false }) {
    this.trace = trace;
    this.marks = marks;
    this.openItem = openItem;
    this.label = label;
    this.collapsed = new Set();
    this.view = [0, trace.duration];
    this.showsCritical = true;
    this.showsAllRecords = false;
    this.wanted = "";
    this.current = this.firstMarked() ?? 0;
    this.id = unique("waterfall");
    this.build(compact);
    waterfalls.add(this);
    this.refresh();
  }

  firstMarked() {
    return this.marked()[0];
  }

  // The span or the log record.
  at(item) {
    return item < 0 ? this.trace.records[-1 - item] : this.trace.spans[item];
  }

  // In the order of the rows, whether an item has one or not.
  position(item) {
    if (item >= 0) return item;
    const { records, spans } = this.trace;
    return (this.at(item).span ?? spans.length) - item / (records.length + 1);
  }

  marked() {
    return this.trace.spans.filter((span) => this.marks.has(span.id)).map((span) => span.number);
  }

  build(compact) {
    const tool = (text, title, onclick, more = {}) => el("button", { type: "button", title, "aria-label": title, onclick, ...more }, text);
    this.search = el("input", { type: "search", placeholder: "Find spans   f", "aria-label": "Find spans in this trace", autocomplete: "off", spellcheck: "false",
      oninput: () => this.find(this.search.value), onkeydown: (event) => this.onSearchKey(event) });
    this.found = el("span", { class: "found", role: "status" });
    this.criticalButton = el("button", { type: "button", class: "toggle critical", "aria-pressed": "true", title: "Critical path (c)", onclick: () => this.toggleCritical() }, "Critical path");
    this.recordsButton = el("button", { type: "button", class: "toggle", "aria-pressed": "false", title: "All log records (l)", onclick: () => this.showRecords(!this.showsAllRecords) }, "All logs");
    const marked = this.marked().length, { records } = this.trace;
    this.tools = el("div", { class: "tools", role: "toolbar", "aria-label": `Tools: ${this.label}` },
      this.search, this.found,
      marked > 0 && el("span", { class: "group" },
        tool("‹", "Previous marked span (p)", () => this.toMark(-1)),
        el("span", { class: "marked-count" }, `${count(marked)} marked`),
        tool("›", "Next marked span (n)", () => this.toMark(1))),
      el("span", { class: "group" }, tool("Collapse", "Collapse all", () => this.collapseAll()), tool("Expand", "Expand all", () => this.expandAll())),
      this.criticalButton,
      records.some((record) => record.span !== null && record.level === "") && this.recordsButton,
      el("span", { class: "group" }, tool("−", "Zoom out (-)", () => this.zoom(2)), tool("+", "Zoom in (+)", () => this.zoom(0.5)), tool("Whole", "The whole trace (0)", () => this.show(0, this.trace.duration))));
    this.mini = el("canvas", { class: "mini", height: 36, "aria-hidden": "true" });
    this.lens = el("div", { class: "lens" });
    this.miniBox = el("div", { class: "mini-box", onpointerdown: (event) => this.dragRange(event, this.miniBox, [0, this.trace.duration]), title: "Drag to zoom" }, this.mini, this.lens);
    this.ruler = el("div", { class: "ruler", title: "Drag to zoom", onpointerdown: (event) => this.dragRange(event, this.ruler, this.view) });
    this.space = el("div", { class: "space", role: "presentation" });
    this.grid = el("div", { class: "rows", role: "treegrid", tabindex: 0, id: this.id, "aria-label": this.label, "aria-readonly": "true", "aria-colcount": 2,
      onkeydown: (event) => this.onKey(event), onclick: (event) => this.onClick(event), ondblclick: (event) => this.onDoubleClick(event) }, this.space);
    this.grid.addEventListener("scroll", () => this.draw(), { passive: true });
    this.grid.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.head = el("div", { class: "head" }, el("div", { class: "head-name" }, counted(this.trace.spans.length, "span"), " · ", this.recordCount(), this.trace.ended ? duration(this.trace.duration) : "duration unknown"), this.ruler);
    this.box = el("div", { class: "waterfall" }, this.head, this.grid);
    this.element = el("div", { class: compact ? "trace compact" : "trace" }, this.tools, !compact && this.miniBox, this.box);
    // Without a size yet, it is drawn when it gets one.
    new ResizeObserver(() => this.redraw()).observe(this.box);
  }

  recordCount() {
    const { records, moreRecords } = this.trace, all = records.length + moreRecords;
    if (all === 0) return null;
    return `${moreRecords > 0 ? `${count(records.length)} of ` : ""}${counted(all, "log record")} · `;
  }

  // --- rows

  refresh() {
    this.visible = [];
    const { spans, records } = this.trace;
    const add = (record) => { if (this.hasRow(record)) this.visible.push(record.item); };
    for (let at = 0; at < spans.length; at++) {
      this.visible.push(at);
      if (this.collapsed.has(at)) at = spans[at].last;
      else spans[at].records.forEach(add);
    }
    records.filter((record) => record.span === null).forEach(add);
    this.rowOf = new Map(this.visible.map((item, row) => [item, row]));
    this.grid.setAttribute("aria-rowcount", this.visible.length);
    this.space.style.height = `${this.visible.length * ROW}px`;
    if (!this.rowOf.has(this.current)) this.current = this.nearestVisible(this.current);
    this.draw();
  }

  // Other records are only marks on the bar of their span.
  hasRow(record) {
    return this.showsAllRecords || record.level !== "" || record.span === null;
  }

  showRecords(all) {
    this.showsAllRecords = all;
    this.recordsButton.setAttribute("aria-pressed", String(all));
    this.refresh();
  }

  nearestVisible(item) {
    let at = item < 0 ? this.at(item).span : item;
    while (at !== null && !this.rowOf.has(at)) at = this.trace.spans[at].parent;
    return at ?? 0;
  }

  collapseAll() {
    this.trace.spans.forEach((span) => { if (span.children.length > 0 && span.depth > 0) this.collapsed.add(span.number); });
    this.refresh();
  }

  expandAll() {
    this.collapsed.clear();
    this.refresh();
  }

  toggle(span, open = this.collapsed.has(span)) {
    if (this.trace.spans[span].children.length === 0) return;
    if (open) this.collapsed.delete(span);
    else this.collapsed.add(span);
    this.refresh();
  }

  reveal(item) {
    const { span = null, parent = null } = this.at(item);
    if (item < 0 && !this.hasRow(this.at(item))) this.showRecords(true);
    for (let above = item < 0 ? span : parent; above !== null; above = this.trace.spans[above].parent) this.collapsed.delete(above);
  }

  // --- selection

  select(item, { opens = false, focus = false } = {}) {
    if (!this.rowOf.has(item)) { this.reveal(item); this.refresh(); }
    this.current = item;
    const top = this.rowOf.get(item) * ROW, { scrollTop, clientHeight } = this.grid;
    if (top < scrollTop) this.grid.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.grid.scrollTop = top + ROW - clientHeight;
    this.draw();
    if (focus) this.grid.focus({ preventScroll: true });
    if (opens) this.openItem(this.at(item));
  }

  // In the middle, so that the rows around it are visible.
  center(item) {
    this.select(item);
    this.grid.scrollTop = Math.max(0, this.rowOf.get(item) * ROW - this.grid.clientHeight / 2);
    this.draw();
  }

  toMark(by) {
    const marked = this.marked();
    if (marked.length === 0) return;
    const from = this.position(this.current);
    const next = by > 0 ? marked.find((at) => at > from) : marked.findLast((at) => at < from);
    this.center(next ?? marked.at(by > 0 ? 0 : -1));
    this.openItem(this.at(this.current));
  }

  // --- searching

  matches(item) {
    const one = this.at(item);
    const texts = () => item < 0 ? [one.service, one.severity, one.body, one.event, word(one.scope[0])]
      : [one.service, one.name, one.kind, one.status, one.message, one.id, ...one.exemplars.map(({ text }) => text)];
    return this.wanted !== "" && (one.haystack ??= [...texts(),
      ...one.attributes.map(({ key, value }) => `${key}=${value}`)].join("\n").toLowerCase()).includes(this.wanted);
  }

  find(text) {
    this.wanted = text.trim().toLowerCase();
    this.hits = this.wanted === "" ? [] : [...this.trace.spans.map((span) => span.number), ...this.trace.records.map((record) => record.item)]
      .filter((item) => this.matches(item)).sort((a, b) => this.position(a) - this.position(b));
    this.found.textContent = this.wanted === "" ? "" : `${count(this.hits.length)} found`;
    if (this.hits.length > 0) this.center(this.hits[0]);
    else this.draw();
  }

  onSearchKey(event) {
    if (event.key === "Enter" && this.hits?.length > 0) {
      const hits = event.shiftKey ? [...this.hits].reverse() : this.hits, from = this.position(this.current);
      const next = hits.find((at) => event.shiftKey ? this.position(at) < from : this.position(at) > from) ?? hits[0];
      this.center(next);
    } else if (event.key === "ArrowDown") {
      this.grid.focus();
    } else if (event.key === "Escape") {
      this.search.value = "";
      this.find("");
      this.grid.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // --- time

  show(from, to) {
    const whole = this.trace.duration, least = Math.max(whole / 100000, 1);
    const length = Math.min(Math.max(to - from, least), whole);
    const start = Math.min(Math.max(from, 0), whole - length);
    this.view = [start, start + length];
    this.drawRuler();
    this.draw();
  }

  zoom(by, around = this.zoomCenter()) {
    const [from, to] = this.view;
    this.show(around - (around - from) * by, around + (to - around) * by);
  }

  zoomCenter() {
    const one = this.at(this.current), [from, to] = this.view;
    const middle = this.current < 0 ? one.at ?? 0 : one ? (one.start + one.end) / 2 : 0;
    return middle >= from && middle <= to ? middle : (from + to) / 2;
  }

  pan(by) {
    const [from, to] = this.view, step = (to - from) * by;
    this.show(from + step, to + step);
  }

  timeAt(x, box, [from, to]) {
    const { left, width } = box.getBoundingClientRect();
    return from + Math.min(Math.max((x - left) / width, 0), 1) * (to - from);
  }

  dragRange(event, box, range) {
    if (event.button !== 0) return;
    event.preventDefault();
    const start = this.timeAt(event.clientX, box, range);
    const selection = el("div", { class: "selection" });
    box.append(selection);
    box.setPointerCapture(event.pointerId);
    const bounds = (move) => [start, this.timeAt(move.clientX, box, range)].sort((a, b) => a - b);
    const onMove = (move) => place(selection, ...bounds(move), range);
    const onEnd = (end) => {
      box.removeEventListener("pointermove", onMove);
      selection.remove();
      const [from, to] = bounds(end);
      if (end.type === "pointerup" && to - from > (range[1] - range[0]) / 200) this.show(from, to);
    };
    box.addEventListener("pointermove", onMove);
    box.addEventListener("pointerup", onEnd, { once: true });
    box.addEventListener("pointercancel", onEnd, { once: true });
  }

  onWheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.timeAt(event.clientX, this.ruler, this.view));
  }

  toggleCritical() {
    this.showsCritical = !this.showsCritical;
    this.criticalButton.setAttribute("aria-pressed", String(this.showsCritical));
    this.draw();
  }

  // --- keys and clicks

  onKey(event) {
    if (hasModifier(event)) return;
    const one = this.at(this.current), row = this.rowOf.get(this.current), isSpan = this.current >= 0;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / ROW) - 1);
    const go = (to) => this.select(this.visible[Math.min(Math.max(to, 0), this.visible.length - 1)]);
    const isOpen = isSpan && one.children.length > 0 && !this.collapsed.has(one.number);
    const above = isSpan ? one.parent : one.span;
    const keys = {
      ArrowDown: () => go(row + 1), ArrowUp: () => go(row - 1),
      PageDown: () => go(row + page), PageUp: () => go(row - page),
      Home: () => go(0), End: () => go(this.visible.length - 1),
      ArrowRight: () => { if (isOpen) this.select(one.children[0]); else if (isSpan) this.toggle(one.number, true); },
      ArrowLeft: () => { if (isOpen) this.toggle(one.number, false); else if (above !== null) this.select(above); },
      Enter: () => this.openItem(one), " ": () => this.openItem(one),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.show(0, this.trace.duration),
      "[": () => this.pan(-0.25), "]": () => this.pan(0.25),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  }

  onClick(event) {
    const row = event.target.closest("[role=row]");
    if (!row) return;
    const item = Number(row.dataset.item);
    if (event.target.closest(".twist") && item >= 0) { this.toggle(item); this.select(item); }
    else this.select(item, { opens: true });
  }

  onDoubleClick(event) {
    const row = event.target.closest("[role=row]");
    const span = this.trace.spans[Number(row?.dataset.item)];
    if (!span || !event.target.closest(".time")) return;
    const room = Math.max(span.duration ?? 0, 1) * 0.1;
    this.show(span.start - room, span.end + room);
  }

  // --- drawing

  draw() {
    if (!this.visible) return;
    const { scrollTop, clientHeight } = this.grid;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - SPARE);
    const last = Math.min(this.visible.length, Math.ceil((scrollTop + clientHeight) / ROW) + SPARE);
    const rows = [];
    for (let row = first; row < last; row++) rows.push(this.row(row));
    // The selected row always exists, because attributes refer to it.
    const current = this.rowOf.get(this.current);
    if (current !== undefined && (current < first || current >= last)) rows.push(this.row(current));
    this.space.replaceChildren(...rows);
    this.grid.setAttribute("aria-activedescendant", `${this.id}-${this.current}`);
  }

  row(row) {
    const item = this.visible[row], one = this.at(item);
    return item < 0 ? this.recordRow(row, one) : this.spanRow(row, one);
  }

  // The element of a row, with what spans and log records have in common.
  rowOfItem(row, item, classes, depth, attributes, ...cells) {
    const all = ["row", ...classes, item === this.current && "current", this.wanted !== "" && (this.matches(item) ? "hit" : "miss")];
    return el("div", { role: "row", class: all.filter(Boolean).join(" "), id: `${this.id}-${item}`, "data-item": item, "aria-level": depth + 1,
      "aria-rowindex": row + 1, "aria-selected": String(item === this.current), style: { top: `${row * ROW}px` }, ...attributes }, ...cells);
  }

  spanRow(row, span) {
    const mark = this.marks.get(span.id), hasChildren = span.children.length > 0, isOpen = !this.collapsed.has(span.number);
    const siblings = span.parent === null ? null : this.trace.spans[span.parent].children;
    return this.rowOfItem(row, span.number, [mark !== undefined && "marked", span.status === "error" && "error"], span.depth,
      { "aria-expanded": hasChildren ? String(isOpen) : null, "aria-setsize": siblings?.length, "aria-posinset": siblings ? siblings.indexOf(span.number) + 1 : null },
      this.nameCell(span, hasChildren, isOpen), this.timeCell(span, mark));
  }

  recordRow(row, record) {
    const depth = record.span === null ? 0 : this.trace.spans[record.span].depth + 1, isAlone = record.span === null;
    const time = record.at === null ? "without a time" : `at ${offset(record.at)}`;
    return this.rowOfItem(row, record.item, ["record"], depth, {},
      el("div", { role: "gridcell", class: "name", title: `${record.severity}: ${record.title}` },
        el("span", { class: "indent", style: { width: `${Math.min(depth, 24) * 12}px` }, "aria-hidden": "true" }), el("span", { class: "twist none", "aria-hidden": "true" }),
        el("span", { class: `severity ${record.level}` }, record.severity), " ", isAlone && el("span", { class: "service" }, record.service), " ",
        el("span", { class: "operation" }, record.title.slice(0, LONGEST))),
      el("div", { role: "gridcell", class: "time" }, el("span", { class: "visually-hidden" }, `log record of ${record.service}${isAlone ? ", of no span that arrived" : ""}, ${time}`),
        this.recordMark(record), this.recordTime(record, time)));
  }

  recordTime(record, time) {
    const x = Math.min(Math.max(this.part(record.at ?? 0), 0), 100);
    return el("div", { class: "beside", style: x > 70 ? { right: `${100 - x}%` } : { left: `${x}%` }, "aria-hidden": "true" }, el("span", { class: "length" }, time));
  }

  // A dot at the time of a log record, if that is in view.
  recordMark(record) {
    const x = this.part(record.at ?? 0);
    return record.at !== null && x >= 0 && x <= 100 && el("i", { class: `record-mark ${record.level}`, style: { left: `${x}%` }, title: `${record.severity}: ${record.title.slice(0, LONGEST)}` });
  }

  // The place of a time in the view, in percent.
  part(time) {
    const [from, to] = this.view;
    return (time - from) / (to - from) * 100;
  }

  nameCell(span, hasChildren, isOpen) {
    const hidden = hasChildren && !isOpen ? span.last - span.number : 0;
    const isNews = span.parent === null || this.trace.spans[span.parent].service !== span.service;
    return el("div", { role: "gridcell", class: "name", title: `${span.service} › ${span.name}` },
      el("span", { class: "indent", style: { width: `${Math.min(span.depth, 24) * 12}px` }, "aria-hidden": "true" }),
      el("span", { class: hasChildren ? `twist ${isOpen ? "open" : ""}` : "twist none", "aria-hidden": "true" }),
      el("span", { class: "dot", style: { background: color(span.service) }, "aria-hidden": "true" }),
      el("span", { class: isNews ? "service" : "visually-hidden" }, span.service), " ",
      el("span", { class: "operation" }, span.name),
      hidden > 0 && el("span", { class: "hidden-count", title: `${counted(hidden, "span")} below` }, `+${count(hidden)}`),
      span.missingParent && el("span", { class: "chip doubt", title: `its parent ${span.missingParent} never arrived` }, "orphan"),
      span.duration === null && el("span", { class: "chip doubt", title: "it was exported before it ended, or ended before it started" }, "never ended"),
      span.dropped.length > 0 && el("span", { class: "chip doubt", title: `${droppedParts(span).join(", ")} dropped` }, "dropped"),
      span.exemplars.length > 0 && el("span", { class: "chip exemplar", title: `exemplar of ${span.exemplars.map(({ text }) => text).join("\n")}` },
        span.exemplars.length === 1 ? "exemplar" : counted(span.exemplars.length, "exemplar")),
      span.status === "error" && el("span", { class: "chip bad", title: span.message }, "error"));
  }

  timeCell(span, mark) {
    const part = (time) => this.part(time);
    const left = part(span.start), right = part(span.end);
    const cell = el("div", { role: "gridcell", class: "time" }, el("span", { class: "visually-hidden" }, this.spoken(span, mark)));
    if (right >= 0 && left <= 100) {
      const bar = el("div", { class: "bar-of-span", style: { left: `${Math.max(left, 0)}%`, width: `${Math.min(right, 100) - Math.max(left, 0)}%`, background: color(span.service) } });
      cell.append(bar);
      if (this.showsCritical && span.critical) this.drawCritical(cell, span.critical, part);
      for (const time of span.eventTimes) {
        const x = part(time);
        if (x >= 0 && x <= 100) cell.append(el("i", { class: "event", style: { left: `${x}%` } }));
      }
    }
    cell.append(...span.records.slice(0, MOST_MARKS).map((record) => this.recordMark(record)).filter(Boolean));
    cell.append(this.beside(span, mark, Math.max(left, 0), Math.min(right, 100)));
    return cell;
  }

  // Beside the bar, on a side with enough space; else truncated on the side with more.
  beside(span, mark, left, right) {
    const length = spanTime(span.duration), width = this.ruler.clientWidth || 600;
    const needed = (length.length + (mark ? mark.length + 4 : 0)) * LETTER + 14;
    const after = (100 - right) / 100 * width + MARGIN, before = left / 100 * width;
    const style = needed <= after || after >= before ? { left: `${right}%`, "max-width": `${after}px` } : { right: `${100 - left}%`, "max-width": `${before}px` };
    return el("div", { class: "beside", style, title: mark, "aria-hidden": "true" }, el("span", { class: "length" }, length), mark && el("span", { class: "mark" }, `← ${mark}`));
  }

  drawCritical(cell, parts, position) {
    for (const [start, length] of parts) {
      const left = Math.max(position(start), 0), right = Math.min(position(start + length), 100);
      if (right > 0 && left < 100) cell.append(el("i", { class: "on-path", style: { left: `${left}%`, width: `${Math.max(right - left, 0.1)}%` } }));
    }
  }

  spoken(span, mark) {
    const on = span.critical?.reduce((all, [, length]) => all + length, 0);
    return [spanTime(span.duration), `starts at ${duration(span.start)}`, span.kind, span.status === "error" && `error ${span.message}`,
      on > 0 && `on the critical path for ${duration(on)}`, span.eventTimes.length > 0 && counted(span.eventTimes.length, "event"),
      span.records.length > 0 && counted(span.records.length + span.moreRecords, "log record"),
      span.exemplars.length > 0 && `exemplar of ${span.exemplars.map(({ text }) => text).join("; ")}`, mark && `marked: ${mark}`].filter(Boolean).join(", ");
  }

  drawRuler() {
    const [from, to] = this.view, width = this.ruler.clientWidth || 600;
    const step = niceStep((to - from) / Math.max(2, Math.floor(width / 110)));
    const ticks = [];
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const x = (time - from) / (to - from) * 100;
      if ((100 - x) / 100 * width + MARGIN < 60) break;
      ticks.push(el("span", { class: "tick", style: { left: `${x}%` } }, time === 0 ? "0" : duration(time)));
    }
    this.ruler.replaceChildren(...ticks);
    const [start, end] = this.view, whole = [0, this.trace.duration];
    this.lens.hidden = start <= 0 && end >= this.trace.duration;
    place(this.lens, start, end, whole);
  }

  redraw() {
    // The head is above the rows, without their scroll bar.
    this.head.style.paddingRight = `${this.grid.offsetWidth - this.grid.clientWidth}px`;
    this.drawMini();
    this.drawRuler();
    this.draw();
  }

  // An overview of all spans, one thin line each.
  drawMini() {
    const width = this.miniBox.clientWidth, height = 36, scale = devicePixelRatio || 1;
    if (width === 0 || !this.miniBox.isConnected) return;
    this.mini.width = width * scale;
    this.mini.height = height * scale;
    const canvas = this.mini.getContext("2d"), style = getComputedStyle(this.element);
    const paint = new Map(), { spans, duration: whole } = this.trace;
    canvas.scale(scale, scale);
    const line = Math.max(height / Math.max(spans.length, 1), 0.5);
    spans.forEach((span, at) => {
      if (!paint.has(span.service)) paint.set(span.service, style.getPropertyValue(color(span.service).slice(4, -1)));
      const isMarked = this.marks.has(span.id);
      canvas.fillStyle = isMarked ? style.getPropertyValue("--bad") : paint.get(span.service);
      const y = at / spans.length * (height - 2) + 1;
      canvas.fillRect(span.start / whole * width, y, Math.max((span.duration ?? 0) / whole * width, 1), isMarked ? Math.max(line, 2) : Math.max(line * 0.7, 0.5));
    });
  }
}

// A time since the start of the trace. Clocks differ, so it can be before.
const offset = (ns) => `${ns < 0 ? "−" : ""}${duration(Math.abs(ns))}`;

function place(element, from, to, [first, last]) {
  element.style.left = `${(from - first) / (last - first) * 100}%`;
  element.style.width = `${(to - from) / (last - first) * 100}%`;
}

// The next number of the form 1, 2 or 5 times a power of ten.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return power * [1, 2, 5, 10].find((times) => times * power >= least);
}

