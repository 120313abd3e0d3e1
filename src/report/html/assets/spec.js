// One spec: its triggers, outcomes and failures.

const VERDICTS = { passed: "Passed", failed: "Failed", errored: "Errored", skipped: "Skipped", not_run: "Not run", flaky: "Flaky" };

function specView(number, item) {
  const spec = readSpec(number), kind = item.dataset.kind;
  const loads = loadsOf(number);
  spec.attempts.flatMap(({ steps }) => steps).filter((step) => step.load).forEach((step, at) => { step.load.element = loads[at]; });
  const head = el("header", { class: "spec-head" },
    el("button", { type: "button", class: "back", onclick: () => { location.hash = ""; } }, "‹ All specs"),
    el("p", { class: `verdict ${kind}` }, VERDICTS[kind]),
    el("h2", { id: "spec-title", tabindex: -1 }, find(".name", item).textContent),
    el("p", { class: "faint" }, find(".file", item).textContent, spec.attempts.length > 0 && ` · ${find(".time", item).textContent}`),
    findAll(".tag", item).length > 0 && el("p", { class: "tags" }, findAll(".tag", item).map((tag) => el("span", { class: "tag" }, tag.textContent))));
  const body = spec.attempts.length === 0 ? [notRun(spec, kind)] : [attempts(spec)];
  return el("article", { class: kind, "aria-labelledby": "spec-title" }, head, body);
}

function notRun(spec, kind) {
  const why = kind === "skipped" ? "Skipped: " : "Not run: ";
  return [el("p", { class: "card" }, why, el("b", {}, spec.reason ?? "")), sourceView(spec.at[0], [], null)];
}

function attempts(spec) {
  if (spec.attempts.length === 1) return attemptView(spec.attempts[0], spec);
  const all = spec.attempts.map((attempt, at) => ({
    label: `Attempt ${at + 1}`, note: VERDICTS[attempt.verdict].toLowerCase(), bad: attempt.verdict !== "passed", panel: () => attemptView(attempt, spec),
  }));
  return tabs("Attempts", all, spec.attempts.length - 1).element;
}

const stepIsBad = (step) => step.trouble !== null || step.checks.some((check) => check.outcome !== "pass");

function attemptView(attempt, spec) {
  const { steps } = attempt;
  if (steps.length === 0) return el("p", { class: "empty" }, "No step ran.");
  if (steps.length === 1) return stepView(steps[0], spec);
  const all = steps.map((step, at) => ({ label: stepName(steps, step), note: stepIsBad(step) ? "✗" : "✓", bad: stepIsBad(step), panel: () => stepView(step, spec) }));
  const bad = steps.findIndex(stepIsBad);
  return tabs("Steps", all, bad >= 0 ? bad : steps.findLastIndex((step) => step.phase === "test")).element;
}

function stepName(steps, step) {
  const alike = steps.filter((other) => other.phase === step.phase);
  const phase = { setup: "Setup", test: "Step", teardown: "Teardown" }[step.phase];
  return step.name ?? (alike.length > 1 ? `${phase} ${alike.indexOf(step) + 1}` : phase);
}

// The marked spans and their texts; the nearest candidate if no span was found.
function marksOf(step) {
  const marks = new Map();
  const add = (id, text) => { if (!(marks.get(id) ?? "").split("; ").includes(text)) marks.set(id, marks.has(id) ? `${marks.get(id)}; ${text}` : text); };
  for (const { failure } of step.checks) {
    failure?.witnesses.forEach((witness) => add(witness.span_id, witness.mark || "this one"));
    if (failure?.nearest[0]) add(failure.nearest[0].span_id, "nearest");
  }
  return marks;
}

function stepView(step, spec) {
  const traces = step.traces.map(readTrace), marks = marksOf(step);
  let view, views, source;
  const showSpan = (id) => {
    views.choose("Trace");
    if (view?.show(id)) view.element.scrollIntoView({ block: "nearest" });
  };
  const showLine = ([file, line]) => {
    views.choose("Spec");
    if (file === sourceOf) scrollToLine(source, line);
    source.scrollIntoView({ block: "nearest" });
  };
  const chooseService = (name) => {
    views.choose("Trace");
    view.waterfall.search.value = name;
    view.waterfall.find(name);
    view.waterfall.grid.focus({ preventScroll: true });
  };
  const failures = step.checks.filter((check) => check.failure);
  const sourceOf = (failures[0]?.failed_at ?? spec.at)[0];
  const trouble = step.trouble && { at: step.trouble_at, what: step.trouble.what };
  const all = [
    traces.length > 0 && { label: "Trace", note: count(traces[0].spans.length), panel: () => { view = traceView(step, traces, marks); return view.element; }, shown: () => requestAnimationFrame(() => view.shown()) },
    step.graph && { label: "Services", note: count(step.graph.services.length), panel: () => serviceGraph(step.graph, chooseService) },
    step.earlier && { label: "Compare", note: traces.length > 0 ? count(step.earlier.changes.length + step.earlier.more_changes) : "", panel: () => compareView(step.earlier, traces[0]) },
    { label: "Spec", panel: () => { source = sourceView(sourceOf, step.checks, trouble); return source; }, shown: () => scrollToWorst(source, spec.at[1]) },
    step.response && { label: "Response", note: String(step.response.status ?? step.response.exit_code ?? ""), panel: () => responseView(step.response) },
  ].filter(Boolean);
  views = tabs("Observations", all);
  return el("div", { class: "step" },
    el("p", { class: "trigger" }, el("code", {}, step.trigger || "no trigger"), !step.load && responseFacts(step)),
    step.trouble && troubleCard(step),
    failures.map((check) => failureCard(check, showSpan, marks)),
    step.notices.map((notice) => el("p", { class: "notice" }, el("b", {}, "Note: "), inCode(notice))),
    step.load && loadView(step, traces),
    checkList(step, showSpan, showLine),
    step.load && whichOne(step),
    views.element,
    stepIsBad(step) && traces.length > 0 && !step.earlier && !step.load && el("p", { class: "faint small" },
      "There is no earlier trace of this step that passed. With ", el("code", {}, "--save-traces FOLDER"), ", each run saves its traces, and a failed step is compared with the last trace that passed."),
    el("p", { class: "faint small" }, [step.trace_id && `trace ${step.trace_id}`, step.saved_trace && `saved in ${step.saved_trace}`].filter(Boolean).join(" · ")));
}

function responseFacts(step) {
  const { response, timing } = step, said = [];
  if (response?.kind === "http") said.push(`${response.status} in ${ofMillis(response.time_ms)}`);
  if (response?.kind === "command") said.push(`exit code ${response.exit_code ?? `none (signal ${response.signal})`}, ${ofMillis(response.time_ms)}`);
  if (timing.last_span_ms !== null) said.push(`last span after ${ofMillis(timing.last_span_ms)}`);
  if (timing.verdict_ms !== null) said.push(`verdict after ${ofMillis(timing.verdict_ms)}`);
  return said.length > 0 && el("span", { class: "faint" }, said.join(" · "));
}

function troubleCard(step) {
  const { trouble } = step;
  return el("section", { class: "card errored", "aria-label": "Could not be judged" },
    el("h3", {}, inCode(trouble.what)),
    step.trouble_at && excerpt(step.trouble_at),
    trouble.details.length > 0 && el("pre", {}, trouble.details.join("\n")),
    trouble.help.map((help) => el("p", { class: "hint" }, el("b", {}, "Help: "), inCode(help))));
}

function failureCard(check, showSpan, marks) {
  const { failure } = check;
  return el("section", { class: "card failed", "aria-label": "Failed check" },
    el("h3", {}, inCode(failure.subject)),
    el("div", { class: "sides" },
      el("div", {},
        el("dl", { class: "verdict-values" },
          el("dt", {}, "expected"), el("dd", { class: "good" }, failure.expected || "—"),
          el("dt", {}, "found"), el("dd", { class: "bad" }, failure.found || "nothing")),
        failure.witnesses.length > 0 && spanButtons("Seen in", failure.witnesses.map((one) => [one, one.mark]), failure.more_witnesses, showSpan),
        failure.nearest.length > 0 && nearest(failure.nearest.slice(0, 3), showSpan)),
      excerpt(check.failed_at ?? check.at)),
    failure.differences.length > 0 && el("div", { class: "table-scroll" }, table("Differences", ["Where", "Expected", "Found"], failure.differences.map((one) => [one.path, one.expected, one.found]))),
    failure.hints.map((hint) => el("p", { class: "hint" }, el("b", {}, "Help: "), inCode(hint))));
}

function nearest(spans, showSpan) {
  const why = (one) => el("li", { class: "faint" }, inCode(one.key), ": expected ", one.expected, ", found ", one.found);
  return el("div", { class: "nearest" }, el("p", {}, "Nearest:"),
    el("ul", {}, spans.map((span) => el("li", {}, spanButton(span, showSpan), el("ul", {}, span.rejected.map(why))))));
}

// Text with `code` between backquotes as elements.
function inCode(text) {
  return text.split("`").map((part, at) => at % 2 === 1 ? el("code", {}, part) : part);
}

function spanButton(span, showSpan) {
  return el("button", { type: "button", class: "link", onclick: () => showSpan(span.span_id), title: "Show it in the trace" },
    el("span", { class: "dot", style: { background: color(span.service) } }), el("span", { class: "service" }, span.service), " ", span.name);
}

function spanButtons(title, spans, others, showSpan) {
  const items = spans.map(([span, mark]) => el("li", {}, spanButton(span, showSpan), mark && el("span", { class: "faint" }, ` ${mark}`)));
  const rest = items.slice(5);
  return el("div", { class: "witnesses" }, el("p", {}, `${title}:`), el("ul", {}, items.slice(0, 5)),
    rest.length > 0 && el("details", {}, el("summary", {}, `${count(rest.length)} more`), el("ul", {}, rest)),
    others > 0 && el("p", {}, `and ${counted(others, "span")} that ${others === 1 ? "is" : "are"} not listed`));
}

function checkList(step, showSpan, showLine) {
  const number = (kind) => step.checks.filter((check) => check.outcome === kind).length;
  const said = [[number("fail"), "failed"], [number("unjudged"), "could not be judged"], [number("pass"), "passed"]].filter(([of]) => of > 0).map(([of, what]) => `${of} ${what}`);
  if (step.checks.length === 0) return el("p", { class: "faint" }, step.trouble ? "No check was judged." : "This step has no checks.");
  // If a check failed, the failure is above, and the trace comes next.
  const isOpen = step.checks.length <= (number("pass") === step.checks.length ? 30 : 5);
  return el("details", { class: "checks", open: isOpen },
    el("summary", {}, counted(step.checks.length, "check"), el("span", { class: "faint" }, `: ${said.join(", ")}`)),
    el("ul", {}, step.checks.map((check) => {
      const [sign, spoken] = SIGNS[check.outcome], witness = check.failure?.witnesses[0];
      return el("li", { class: check.outcome }, el("span", { class: "sign" }, el("span", { "aria-hidden": "true" }, sign), el("span", { class: "visually-hidden" }, `${spoken}: `)),
        el("span", {}, witness ? el("button", { type: "button", class: "link plain", onclick: () => showSpan(witness.span_id) }, inCode(check.what)) : inCode(check.what),
          check.failure && el("span", { class: "bad" }, ` found ${check.failure.found || "nothing"}`),
          check.reason && el("span", { class: "doubt" }, ` ${check.reason}`)),
        el("button", { type: "button", class: "link plain faint place", title: "Show it in the spec", onclick: () => showLine(check.at) }, `line ${check.at[1]}`));
    })));
}

function responseView(response) {
  if (response.kind === "command") {
    return el("div", {}, facts([["exit code", String(response.exit_code ?? `none (signal ${response.signal})`)], ["time", ofMillis(response.time_ms)]]),
      el("h4", {}, "Standard output"), el("pre", {}, response.stdout || "(nothing)"), el("h4", {}, "Standard error"), el("pre", {}, response.stderr || "(nothing)"));
  }
  const missing = response.body_bytes > new TextEncoder().encode(response.body).length;
  return el("div", {}, facts([["status", String(response.status)], ["time", ofMillis(response.time_ms)], ["size", counted(response.body_bytes, "byte")]]),
    el("h4", {}, "Body"), el("pre", {}, pretty(response.body) || "(empty)", missing && "\n…"),
    el("h4", {}, "Headers"), el("div", { class: "table-scroll" }, el("table", { class: "attributes" }, el("tbody", {}, response.headers.map(([key, value]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, value)))))));
}

function pretty(text) {
  try {
    // Values that JSON would change, such as large numbers, are shown unchanged.
    const parsed = JSON.parse(text);
    return /\d{16}/.test(text) ? text : JSON.stringify(parsed, null, 2);
  } catch {
    return text;
  }
}

