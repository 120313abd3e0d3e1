// Reads the data of the page: a chunk of JSON for each spec, and shared values.

let sharedParts;
function shared() {
  sharedParts ??= JSON.parse(find("#shared").textContent);
  return sharedParts;
}
const word = (number) => shared().strings[number];
const readSpec = (number) => JSON.parse(find(`#data-${number}`).textContent);

function attributes(row) {
  const all = [];
  for (let at = 0; at < row.length; at += 3) all.push({ key: word(row[at]), value: word(row[at + 1]), type: word(row[at + 2]) });
  return all;
}

// The order of the fields of a span is that of `spans.rs`.
function readSpan(row, number) {
  return {
    number, id: row[0], parent: row[1], missingParent: row[2],
    service: word(row[3]), name: word(row[4]), kind: row[5],
    start: row[6], duration: row[7], end: row[6] + (row[7] ?? 0),
    status: row[8], message: word(row[9]),
    get resource() { return attributes(shared().resources[row[10]]); },
    get scope() { return shared().scopes[row[11]]; },
    get attributes() { return attributes(row[12]); },
    get events() { return row[13].map(([name, after, more]) => ({ name: word(name), after, attributes: attributes(more) })); },
    get eventTimes() { return row[13].map(([, after]) => row[6] + after); },
    get links() { return row[14].map(([trace, span, more]) => ({ trace, span, attributes: attributes(more) })); },
    traceState: word(row[15]),
    get dropped() { return row[16]; },
    depth: 0, children: [], last: number, critical: null, records: [], moreRecords: 0, exemplars: [],
  };
}

// The order of the fields of a log record is that of `logs.rs`. Its item is a negative number, which
// cannot be that of a span.
function readRecord(row, index) {
  return {
    item: -1 - index, span: row[0], at: row[1], level: row[2] >= 17 ? "bad" : row[2] >= 13 ? "warn" : "",
    severity: word(row[3]) || "log", body: word(row[4]), event: word(row[5]), service: word(row[6]),
    get resource() { return attributes(shared().resources[row[7]]); },
    get scope() { return shared().scopes[row[8]]; },
    get attributes() { return attributes(row[9]); },
    dropped: row[10],
    attribute(key) { return this.attributes.find((one) => one.key === key)?.value ?? ""; },
    get title() {
      const exception = this.attribute("exception.type");
      return [this.body || this.event || this.attribute("exception.message"), exception && `(${exception})`].filter(Boolean).join(" ") || "(empty)";
    },
  };
}

// The order of the fields of an exemplar is that of `spans.rs`. A unit in braces is a noun.
function readExemplar(row) {
  const measured = [word(row[2]), word(row[3]).replace(/[{}]/g, "")].filter(Boolean).join(" "), list = attributes(row[4]);
  const where = list.map(({ key, value }) => `${key}=${value}`).join(", ");
  return { metric: word(row[1]), measured, attributes: list, text: [word(row[1]), measured, where && `with ${where}`].filter(Boolean).join(" ") };
}

// A trace with its tree. Spans are in depth-first order, so that a subtree is contiguous.
function readTrace(told) {
  const spans = told.spans.map(readSpan);
  for (const span of spans) {
    const parent = spans[span.parent];
    if (!parent) continue;
    parent.children.push(span.number);
    span.depth = parent.depth + 1;
  }
  for (let at = spans.length - 1; at >= 0; at--) {
    const span = spans[at];
    if (span.parent !== null) spans[span.parent].last = Math.max(spans[span.parent].last, span.last);
  }
  for (let at = 0; at < told.critical.length; at += 3) {
    const [span, start, length] = told.critical.slice(at, at + 3);
    (spans[span].critical ??= []).push([start, length]);
  }
  const records = told.logs.records.map(readRecord);
  for (const record of records) spans[record.span]?.records.push(record);
  for (const [span, number] of told.logs.left_out) if (span !== null) spans[span].moreRecords = number;
  for (const row of told.exemplars) spans[row[0]].exemplars.push(readExemplar(row));
  const moreRecords = told.logs.left_out.reduce((all, [, number]) => all + number, 0);
  const byId = new Map(spans.map((span) => [span.id, span.number]));
  return { id: told.id, duration: Math.max(told.duration, 1), ended: told.ended, spans, byId, records, moreRecords };
}

// The duration of a span; null if it never ended, or ended before it started.
const spanTime = (ns) => ns === null ? "never ended" : duration(ns);

// The time of a span without its children, overlaps counted once; null if it is unknown.
function selfTime(trace, span) {
  if ([span, ...span.children.map((at) => trace.spans[at])].some((one) => one.duration === null)) return null;
  let covered = 0, reached = span.start;
  for (const child of span.children.map((at) => trace.spans[at]).sort((a, b) => a.start - b.start)) {
    const start = Math.max(child.start, reached), end = Math.min(child.end, span.end);
    covered += Math.max(0, end - start);
    reached = Math.max(reached, end);
  }
  return Math.max(0, span.duration - covered);
}

// A colour for each service, the same on the whole page.
const colors = new Map();
function color(service) {
  if (!colors.has(service)) colors.set(service, `var(--service-${colors.size % 10})`);
  return colors.get(service);
}

