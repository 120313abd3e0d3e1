// The services of a trace and the calls between them, as a drawing and as tables.

function serviceGraph(graph, chooseService) {
  return el("div", { class: "graph" }, graph.size && graphPicture(graph, chooseService),
    !graph.size && el("p", { class: "faint" }, "Too many services to draw."), serviceTable(graph, chooseService), callTable(graph));
}

function graphPicture(graph, chooseService) {
  const [width, height] = graph.size, arrow = unique("arrow"), badArrow = unique("arrow");
  const marker = (id, name) => svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse" },
    svg("path", { d: "M0 0 L8 4 L0 8 z", class: name }));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, style: { width: `${width}px`, "min-width": `${Math.min(width, Math.max(width * 0.7, 320))}px` }, role: "group", "aria-label": "Service graph; the tables below say the same" },
    svg("defs", {}, marker(arrow, "arrow"), marker(badArrow, "arrow bad")),
    graph.calls.map((call) => graphEdge(call, call.errors > 0 ? badArrow : arrow)),
    graph.services.map((service) => graphNode(service, chooseService)));
  return el("div", { class: "graph-scroll", tabindex: 0, role: "region", "aria-label": "Service graph" }, picture);
}

function graphEdge(call, arrow) {
  const name = `edge ${call.errors > 0 ? "bad" : ""} ${call.tie}`;
  const width = call.errors > 0 ? 118 : 78;
  const label = call.label && svg("g", { class: "edge-label", transform: `translate(${call.label[0]} ${call.label[1]})`, "aria-hidden": "true" },
    svg("rect", { x: -width / 2, y: -15, width, height: 30, rx: 4 }),
    svg("text", { y: -3 }, counted(call.count, call.tie === "link" ? "link" : "call"), call.errors > 0 && svg("tspan", { class: "bad" }, ` · ${counted(call.errors, "error")}`)),
    svg("text", { y: 11, class: "faint" }, `p50 ${spanTime(call.p50)}`));
  return svg("g", { class: name }, svg("path", { d: curve(call.points), "marker-end": `url(#${arrow})` }), label);
}

// A smooth line: straight to the midpoint of two points, then a curve around the next point.
function curve(points) {
  if (points.length < 2) return "";
  const middle = ([a, b], [c, d]) => [(a + c) / 2, (b + d) / 2];
  let path = `M${points[0]}`;
  for (let at = 1; at < points.length - 1; at++) {
    const to = at === points.length - 2 ? points[at + 1] : middle(points[at], points[at + 1]);
    path += ` Q${points[at]} ${to}`;
  }
  return points.length === 2 ? `${path} L${points[1]}` : path;
}

function graphNode(service, chooseService) {
  const [left, top, width, height] = service.place;
  const choose = () => chooseService(service.name);
  const shown = service.name.length > 34 ? `${service.name.slice(0, 33)}…` : service.name;
  return svg("g", { class: service.errors > 0 ? "node bad" : "node", transform: `translate(${left} ${top})`, tabindex: 0, role: "button",
      onclick: choose, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } } },
    svg("title", {}, `Show the spans of ${service.name}`),
    svg("rect", { width, height, rx: 6, class: "frame" }),
    svg("rect", { width: 6, height: height - 16, x: 8, y: 8, rx: 3, style: { fill: color(service.name) } }),
    svg("text", { x: 24, y: 22, class: "title" }, shown),
    svg("text", { x: 24, y: 39, class: "faint" }, `${counted(service.spans, "span")} · p50 ${spanTime(service.p50)}`, service.errors > 0 && svg("tspan", { class: "bad" }, ` · ${counted(service.errors, "error")}`)));
}

function table(caption, heads, rows) {
  return el("table", { class: "numbers" }, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, at) => at === 0 ? el("th", { scope: "row" }, cell) : el("td", {}, cell))))));
}

function serviceTable(graph, chooseService) {
  return table("Services", ["Service", "Spans", "Errors", "p50"], graph.services.map((service) => [
    el("span", {}, el("span", { class: "dot", style: { background: color(service.name) } }), el("button", { type: "button", class: "link", onclick: () => chooseService(service.name) }, service.name)),
    count(service.spans), errors(service.errors), spanTime(service.p50)]));
}

function callTable(graph) {
  if (graph.calls.length === 0) return el("p", { class: "faint" }, "No service calls another.");
  const name = (at) => graph.services[at].name;
  return table("Calls", ["From", "To", "Through", "Calls", "Errors", "p50"], graph.calls.map((call) => [
    name(call.from), name(call.to), call.tie === "link" ? "a span link" : "a parent", count(call.count), errors(call.errors), spanTime(call.p50)]));
}

const errors = (number) => number > 0 ? el("b", { class: "bad" }, count(number)) : "0";

