// The load of a step. The page contains it as elements, for browsers without scripts; this draws the
// traces as waterfalls.

// The loads of a spec, in the order of its steps.
function loadsOf(number) {
  return findAll(`#loads-${number} > .load`);
}

function loadView(step, traces) {
  const load = step.load.element.cloneNode(true);
  const known = new Map([...traces, ...step.load.traces.map(readTrace)].map((trace) => [trace.id, trace]));
  findAll("details[data-trace]", load).forEach((details) => {
    const trace = known.get(details.dataset.trace);
    if (!trace) return;
    details.addEventListener("toggle", () => {
      const text = find("pre", details);
      if (details.open && text) text.replaceWith(traceView(step, [trace], new Map()).element);
    });
  });
  return load;
}

// The rest of the step describes one request.
function whichOne(step) {
  const { requests, shown } = step.load;
  return requests > 0 && el("p", { class: "faint" }, `The following shows one of ${counted(requests, "request")}: ${shown}. `, responseFacts(step));
}
