// The list of specs, the selected spec, the theme and the keys of the page.

const items = findAll("#list > li");
const links = items.map((item) => find("a", item));
const search = find("#search");
let kindShown = "", opened = 0;

// --- the list

items.forEach((item) => { item.text = `${item.textContent} ${item.dataset.words}`.toLowerCase(); });

function filter() {
  const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) {
    const fits = (kindShown === "" || item.dataset.kind === kindShown) && wanted.every((text) => item.text.includes(text));
    item.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  find("#none").hidden = shown > 0 || items.length === 0;
  return shown;
}

function show(kind) {
  kindShown = kind;
  findAll("#filters button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.kind === kind)));
  announce(`${counted(filter(), "spec")} shown`);
}

search.addEventListener("input", () => announce(`${counted(filter(), "spec")} shown`));
findAll("#filters button").forEach((button) => button.addEventListener("click", () => show(button.dataset.kind)));
findAll(".bar i").forEach((part) => {
  const [of, all] = part.dataset.share.split("/");
  part.style.flexGrow = String(of / all);
});

const shownLinks = () => links.filter((_, at) => !items[at].hidden);

// From the focused link, or else from the open spec.
function step(by, opens) {
  const all = shownLinks();
  const from = all.indexOf(document.activeElement) >= 0 ? all.indexOf(document.activeElement) : all.indexOf(links[opened - 1]);
  const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
  if (!next) return;
  next.focus();
  if (opens) go(next.hash);
}

// The event for it arrives later, so this does not wait for it.
function go(hash) {
  location.hash = hash;
  follow();
}

find("#list").addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined || hasModifier(event)) return;
  event.preventDefault();
  if (by < 0 && shownLinks()[0] === document.activeElement) search.focus();
  else step(by, false);
});

search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") { event.preventDefault(); shownLinks()[0]?.focus(); }
  else if (event.key === "Enter") { const first = shownLinks()[0]; if (first) go(first.hash); }
  else if (event.key === "Escape") { search.value = ""; filter(); search.blur(); }
});

// --- the open spec

const runLink = find("#run-link");

// All traces of the run, in place of a spec.
function openRun() {
  links[opened - 1]?.removeAttribute("aria-current");
  opened = 0;
  runLink.setAttribute("aria-current", "true");
  document.body.dataset.view = "spec";
  waterfalls.clear();
  find("#spec").replaceChildren(runView());
  find("#main").scrollTop = 0;
}

function open(number) {
  const item = items[number - 1];
  if (!item) return close();
  if (opened === number) return;
  links[opened - 1]?.removeAttribute("aria-current");
  runLink?.removeAttribute("aria-current");
  opened = number;
  links[number - 1].setAttribute("aria-current", "true");
  links[number - 1].scrollIntoView({ block: "nearest" });
  document.body.dataset.view = "spec";
  waterfalls.clear();
  find("#spec").replaceChildren(specView(number, item));
  find("#main").scrollTop = 0;
}

function close() {
  links[opened - 1]?.removeAttribute("aria-current");
  runLink?.removeAttribute("aria-current");
  const was = opened;
  opened = 0;
  delete document.body.dataset.view;
  find("#spec").replaceChildren(items.length > 0 ? el("p", { class: "empty" }, "Choose a spec.") : "");
  links[was - 1]?.focus();
}

function follow() {
  const number = Number(/^#spec-(\d+)$/.exec(location.hash)?.[1] ?? 0);
  if (number > 0) open(number);
  else if (location.hash === "#run" && runLink) openRun();
  else if (location.hash.length < 2) close();
}

addEventListener("hashchange", () => {
  follow();
  // After a link of the list was followed, the focus moves to the spec.
  if (location.hash === "#run") find("#run-title")?.focus({ preventScroll: true });
  if (location.hash.startsWith("#spec-") && !find("#list").contains(document.activeElement)) find("#spec-title")?.focus({ preventScroll: true });
});

// --- the theme

const themes = ["auto", "light", "dark"];
let theme = "auto";
// Browsers may deny storage to a page in a file.
try { theme = themes.includes(localStorage.spanspecTheme) ? localStorage.spanspecTheme : "auto"; } catch { /* then it forgets */ }

function useTheme(next) {
  theme = next;
  document.documentElement.dataset.theme = theme;
  find("#theme").textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
  find("#theme").setAttribute("aria-label", `Theme: ${theme}`);
  try { localStorage.spanspecTheme = theme; } catch { /* as above */ }
}
const nextTheme = () => useTheme(themes[(themes.indexOf(theme) + 1) % themes.length]);
find("#theme").addEventListener("click", nextTheme);
find("#keys").addEventListener("click", () => find("#shortcuts").showModal());

// --- keys

// The visible waterfall, for keys pressed elsewhere.
function gridKey(key) {
  const grid = findAll("#spec [role=treegrid]").find((one) => one.offsetParent !== null);
  const trace = grid?.closest(".trace");
  const button = { n: "Next marked span (n)", p: "Previous marked span (p)", c: "Critical path (c)", l: "All log records (l)" }[key];
  if (!trace) return;
  if (key === "f") find("input[type=search]", trace).focus();
  else find(`button[title="${button}"]`, trace)?.click();
}

document.addEventListener("keydown", (event) => {
  if (hasModifier(event) || isTyping(event) || find("#shortcuts").open) return;
  const keys = {
    "/": () => { closeWhereNarrow(); search.focus(); search.select(); },
    "?": () => find("#shortcuts").showModal(),
    j: () => step(1, true), k: () => step(-1, true), t: nextTheme,
    n: () => gridKey("n"), p: () => gridKey("p"), c: () => gridKey("c"), l: () => gridKey("l"), f: () => gridKey("f"),
    Escape: () => { if (search.value !== "") { search.value = ""; filter(); } else closeWhereNarrow(); },
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

const isNarrow = () => matchMedia("(max-width: 900px)").matches;
function closeWhereNarrow() {
  if (isNarrow() && opened > 0) location.hash = "";
}

// For printing, everything is expanded.
addEventListener("beforeprint", () => {
  document.documentElement.dataset.printing = "true";
  findAll("#spec details").forEach((one) => { one.open = true; });
  waterfalls.forEach((one) => one.redraw());
});
addEventListener("afterprint", () => {
  delete document.documentElement.dataset.printing;
  waterfalls.forEach((one) => one.redraw());
});

// --- start

useTheme(theme);
if (location.hash) follow();
else if (!isNarrow() && items.length > 0) {
  const first = items.findIndex((item) => item.dataset.kind === "failed" || item.dataset.kind === "errored");
  open(Math.max(first, 0) + 1);
} else close();
document.documentElement.dataset.ready = "true";
