// What many requests came to. The page has it as elements, which are seen where no script runs,
// too; here their traces become waterfalls.

// The loads of a spec, one after the other for each step that has one.
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

// All else in the step is of one request.
function whichOne(step) {
  const { requests, shown } = step.load;
  return requests > 0 && el("p", { class: "faint" }, `The following shows one of ${counted(requests, "request")}: ${shown}. `, responseFacts(step));
}
