// The text of a spec with the outcome of each line.

// `checks` have `at`, a location: file, first line, first column, last line, last column.
function sourceView(fileNumber, checks, trouble) {
  const file = shared().sources[fileNumber];
  const byLine = new Map();
  const note = (at, kind, text) => {
    if (at && at[0] === fileNumber) byLine.set(at[1], [...(byLine.get(at[1]) ?? []), { at, kind, text }]);
  };
  checks.forEach((check) => note(check.failed_at ?? check.at, check.outcome, check.failure?.message ?? check.reason ?? check.what));
  if (trouble) note(trouble.at, "trouble", trouble.what);
  const lines = file.text.replace(/\n$/, "").split("\n").map((line, at) => sourceLine(line.replace(/\r$/, ""), at + 1, byLine.get(at + 1) ?? []));
  return el("figure", { class: "source" }, el("figcaption", {}, file.name), el("ol", {}, lines));
}

// Scrolls to the first failed line, or to the start of the spec.
function scrollToWorst(figure, otherwise) {
  const worst = find(".fail, .trouble, .unjudged", figure);
  scrollToLine(figure, worst?.dataset.line ?? otherwise);
}

function scrollToLine(figure, number) {
  const lines = find("ol", figure), line = find(`[data-line="${number}"]`, lines);
  if (line) lines.scrollTop = Math.max(0, line.offsetTop - lines.offsetTop - lines.clientHeight / 3);
}

const SIGNS = { pass: ["✓", "passed"], fail: ["✗", "failed"], unjudged: ["?", "could not be judged"], trouble: ["!", "error"] };

function sourceLine(text, number, notes) {
  const worst = ["fail", "trouble", "unjudged", "pass"].find((kind) => notes.some((note) => note.kind === kind));
  const bad = notes.filter((note) => note.kind === "fail" || note.kind === "trouble");
  return el("li", { class: worst ?? null, "data-line": number },
    el("span", { class: "sign", title: worst ? notes.map((note) => note.text).join("\n") : null }, worst && SIGNS[worst][0], worst && el("span", { class: "visually-hidden" }, SIGNS[worst][1])),
    el("code", {}, bad[0] && bad[0].at[3] === number ? withMark(text, bad[0].at) : colored(text)),
    bad.map((note) => el("p", { class: "explained" }, note.text)));
}

function withMark(text, [, , from, , to]) {
  const chars = [...text];
  const part = (a, b) => chars.slice(a, b).join("");
  return [part(0, from - 1), el("mark", {}, part(from - 1, Math.max(to - 1, from))), part(Math.max(to - 1, from))];
}

// Highlights keys and comments only.
function colored(text) {
  const [, code, comment] = /^((?:[^#"']|"[^"]*"|'[^']*'|\S#)*?)(\s*#.*)?$/.exec(text) ?? [null, text, ""];
  const key = /^(\s*(?:- )*)([\w.$-]+|"[^"]*")(:)(?=\s|$)/.exec(code);
  const body = key ? [key[1], el("span", { class: "key" }, key[2]), code.slice(key[1].length + key[2].length)] : [code];
  return [...body, comment ? el("span", { class: "comment" }, comment) : ""];
}

// A few lines around a location, for a failure.
function excerpt(at) {
  const [source, line, , last] = at, file = shared().sources[source];
  const lines = file.text.split("\n");
  const from = Math.max(1, line - 1), to = Math.min(lines.length, Math.max(line, Math.min(last, line + 2)) + 1);
  const rows = [];
  for (let number = from; number <= to; number++) {
    const text = (lines[number - 1] ?? "").replace(/\r$/, "");
    if (number > line && (text.trim() === "" || text.startsWith("---"))) break;
    rows.push(el("li", { class: number === line ? "here" : null, "data-line": number }, el("code", {}, number === line && last === line ? withMark(text, at) : colored(text))));
  }
  return el("div", { class: "excerpt" }, el("p", { class: "place" }, `${file.name}:${line}`), el("ol", {}, rows));
}

