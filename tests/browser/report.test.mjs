// Uses the HTML report with the mouse, with keys, and with the accessibility tree.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { createRequire } from "node:module";
import { launch, open, picture } from "./browser.mjs";

let browser, page;
before(async () => { browser = await launch(); });
after(() => browser.close());
afterEach(async () => {
  const complaints = page?.complaints ?? [];
  await page?.context().close();
  page = undefined;
  assert.deepEqual(complaints, []);
});

const visible = (selector) => page.locator(`${selector}:visible`);
const names = () => visible("#list .name").allTextContents();
const rows = () => visible("[role=treegrid] [role=row]");
const currentRow = () => visible("[role=treegrid] .row.current .operation").first().textContent();
const shows = (name) => page.locator("#spec-title").filter({ hasText: name }).waitFor();
const STOCK = "the stock is looked up once", PAID = "an order is paid by card";

// --- the list

test("the first spec that failed is open, and the counts are told", async () => {
  page = await open(browser, "failed");
  await shows(STOCK);
  assert.match(await page.locator(".counts").textContent(), /2 failed.*1 errored.*1 passed.*1 skipped/);
  assert.match(await page.title(), /^2 failed, 1 errored, 1 passed, 1 skipped/);
});

test("a search finds specs by name, file, tag and by why they failed", async () => {
  page = await open(browser, "failed");
  for (const [text, found] of [["PAID", [PAID]], ["smoke", [STOCK]], ["paypal", [PAID]], ["connection refused", ["a service that does not answer"]], ["orders.yaml stock", [STOCK]]]) {
    await page.fill("#search", text);
    assert.deepEqual(await names(), found, text);
  }
  await page.fill("#search", "there is no such spec");
  assert.deepEqual(await names(), []);
  assert.equal(await visible("#none").count(), 1);
  await page.keyboard.press("Escape");
  assert.equal((await names()).length, 5);
});

test("a filter shows the specs of one verdict", async () => {
  page = await open(browser, "failed");
  await page.click("#filters .errored");
  assert.deepEqual(await names(), ["a service that does not answer"]);
  assert.equal(await page.getAttribute("#filters .errored", "aria-pressed"), "true");
  await page.click("#filters button >> nth=0");
  assert.equal((await names()).length, 5);
});

test("a link leads to a spec, and going back leads back", async () => {
  page = await open(browser, "failed", { hash: "#spec-2" });
  await shows(PAID);
  await page.click("#list a >> nth=2");
  assert.match(page.url(), /#spec-3$/);
  await shows("what was ordered can be looked up");
  await page.goBack();
  await shows(PAID);
});

// --- a spec

test("a failure tells what was expected and found, with its line and its span", async () => {
  page = await open(browser, "failed", { hash: "#spec-2" });
  const card = page.locator(".card.failed");
  assert.match(await card.locator("h3").textContent(), /attribute payment\.method of span process_payment/);
  assert.deepEqual(await card.locator("dd").allTextContents(), ['"card"', '"paypal"']);
  assert.equal(await card.locator(".here mark").textContent(), "card");
  await card.locator("button.link").first().click();
  assert.match(await page.locator(".span-panel h4").textContent(), /payment process_payment/);
  assert.equal(await page.locator(".span-panel tr.marked td").textContent(), "paypal");
});

test("the checks are listed with what became of each", async () => {
  page = await open(browser, "failed");
  await page.click(".checks summary");
  assert.equal(await page.locator(".checks li.fail").count(), 1);
  assert.equal(await page.locator(".checks li.pass").count(), 9);
  await page.click(".checks li.fail >> text=line 17");
  assert.equal(await visible(".source li.fail").count(), 1);
});

test("the spec's text shows the line that failed", async () => {
  page = await open(browser, "failed");
  await page.click("role=tab[name=/^Spec/]");
  const line = visible(".source li.fail");
  assert.match(await line.locator("code").textContent(), /count: 1/);
  assert.match(await line.locator(".explained").textContent(), /expected exactly 1, found 4/);
  await picture(page, "spec");
});

test("a spec that could not be judged says why, apart from those that failed", async () => {
  page = await open(browser, "failed", { hash: "#spec-4" });
  assert.equal(await page.locator(".spec-head .verdict").textContent(), "Errored");
  assert.match(await page.locator(".card.errored h3").textContent(), /connection refused/);
  await picture(page, "errored");
});

test("a spec that was left out says why", async () => {
  page = await open(browser, "failed", { hash: "#spec-5" });
  assert.match(await page.locator("p.card").textContent(), /until the bank's sandbox is back/);
  await picture(page, "skipped");
});

test("steps stand side by side, and the response is there", async () => {
  page = await open(browser, "passed", { hash: "#spec-3" });
  await page.click("role=tab[name=/^order/]");
  await page.getByRole("tab", { name: /^Response/ }).locator("visible=true").click();
  assert.match(await visible("[role=tabpanel] pre").first().textContent(), /"status": "placed"/);
});

// --- the trace

test("the waterfall marks the spans that failed and draws the critical path", async () => {
  page = await open(browser, "failed");
  assert.equal(await page.locator(".row.marked").count(), 4);
  assert.match(await page.locator(".row.marked .mark").first().textContent(), /1 of 4/);
  assert.ok(await page.locator(".on-path").count() > 3);
  await page.click("button.critical");
  assert.equal(await page.locator(".on-path").count(), 0);
  await picture(page, "failed-light");
});

test("a click opens a span's attributes, and a click on its triangle hides what is below it", async () => {
  page = await open(browser, "failed");
  const all = await rows().count();
  await rows().filter({ hasText: "inventory-check" }).locator(".twist").click();
  assert.equal(await rows().count(), all - 5);
  await rows().filter({ hasText: "inventory-check" }).click();
  assert.match(await page.locator(".span-panel .attributes").first().textContent(), /inventory\.sku/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".span-panel").count(), 0);
});

test("events, links and the linked trace can be reached from a span", async () => {
  page = await open(browser, "failed", { hash: "#spec-2" });
  await rows().filter({ hasText: "process_payment" }).click();
  assert.match(await page.locator(".span-panel .events").textContent(), /card\.authorized.*authorization\.code/s);
  await page.selectOption(".picker select", "1");
  assert.equal(await rows().count(), 2);
  await rows().first().click();
  await page.locator(".span-panel .links button").click();
  assert.match(await page.locator(".span-panel h4").textContent(), /send orders/);
});

test("the keyboard is enough to walk a trace", async () => {
  page = await open(browser, "passed", { hash: "#spec-1" });
  await visible("[role=treegrid]").focus();
  for (const [key, there] of [["End", "send orders"], ["Home", "POST /orders"], ["ArrowDown", "POST"], ["ArrowRight", "POST /orders"],
    ["ArrowRight", "place_order"], ["ArrowRight", "reserve_stock"], ["ArrowLeft", "reserve_stock"], ["ArrowLeft", "place_order"]]) {
    await page.keyboard.press(key);
    assert.equal(await currentRow(), there, key);
  }
  await page.keyboard.press("ArrowRight");
  assert.equal(await rows().filter({ hasText: "reserve_stock" }).getAttribute("aria-expanded"), "false");
  const active = await visible("[role=treegrid]").getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active}`).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".span-panel h4").textContent(), /reserve_stock/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".span-panel").count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "treegrid");
});

test("n and p go through what is marked, c hides the critical path, from wherever one is", async () => {
  page = await open(browser, "failed");
  const shown = () => page.locator(".span-panel .mark").textContent();
  await page.keyboard.press("n");
  assert.equal(await shown(), "2 of 4");
  await page.keyboard.press("p");
  assert.equal(await shown(), "1 of 4");
  await page.keyboard.press("c");
  assert.equal(await page.locator(".on-path").count(), 0);
});

test("zooming by keys and by dragging changes what is seen of the time", async () => {
  page = await open(browser, "passed", { hash: "#spec-1" });
  const width = async () => (await page.locator(".bar-of-span").first().boundingBox()).width;
  const ticks = () => visible(".ruler .tick").allTextContents();
  await visible("[role=treegrid]").focus();
  const before = await ticks();
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.notDeepEqual(await ticks(), before);
  assert.equal(await visible(".lens").count(), 1);
  await page.keyboard.press("0");
  assert.deepEqual(await ticks(), before);
  const whole = await width(), box = await visible(".ruler").boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 8);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 8);
  await page.mouse.up();
  assert.notDeepEqual(await ticks(), before);
  await page.click("text=Whole");
  assert.equal(await width(), whole);
});

test("spans are found by attribute", async () => {
  page = await open(browser, "passed", { hash: "#spec-1" });
  await page.keyboard.press("f");
  await page.keyboard.type("payment.method=card");
  assert.match(await visible(".found").textContent(), /^1 found/);
  assert.equal(await currentRow(), "process_payment");
});

// --- log records

const records = () => visible("[role=treegrid] .row.record");

test("warnings and errors stand below their span, and others are marks on its bar", async () => {
  page = await open(browser, "logs");
  assert.deepEqual(await records().locator(".severity").allTextContents(), ["warn", "warn", "error", "error", "info", "info"]);
  assert.match(await records().first().textContent(), /card declined, trying again/);
  assert.equal(await rows().first().locator(".record-mark").count(), 1);
  assert.match(await visible(".head-name").textContent(), /20 spans · 8 log records/);
  await picture(page, "logs");
});

test("all log records are rows after a click or the letter l", async () => {
  page = await open(browser, "logs");
  await page.keyboard.press("l");
  assert.equal(await records().count(), 8);
  await page.click("text=All logs");
  assert.equal(await records().count(), 6);
});

test("a log record of a span that did not arrive is the last row, with its service", async () => {
  page = await open(browser, "logs");
  assert.match(await rows().last().textContent(), /written in a span that never arrived.*of no span that arrived/s);
});

test("the keyboard opens a log record, and leads to its span", async () => {
  page = await open(browser, "logs");
  await visible("[role=treegrid]").focus();
  const error = records().filter({ hasText: "payment failed" }).first();
  while (!(await error.getAttribute("class")).includes("current")) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".span-panel h4").textContent(), /^error .*payment failed \(CardError\)/);
  assert.match(await page.locator(".span-panel .error-message").textContent(), /CardError the bank refused the card/);
  await page.click(".span-panel summary >> text=Stack trace");
  assert.match(await page.locator(".span-panel pre").textContent(), /at pay/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await currentRow(), "operation 8");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".span-panel .logs").textContent(), /error at .*payment failed/);
});

test("a search finds log records, also those that are not rows yet", async () => {
  page = await open(browser, "logs");
  await page.keyboard.press("f");
  await page.keyboard.type("ord-1");
  assert.match(await visible(".found").textContent(), /found/);
  await page.fill("input[aria-label='Find spans in this trace']", "order placed");
  assert.equal(await visible(".found").textContent(), "2 found");
  assert.equal(await currentRow(), "order placed");
  await page.keyboard.press("Enter");
  assert.equal(await currentRow(), "order placed");
});

test("of many log records the most severe are there, and the others are counted", async () => {
  page = await open(browser, "logs-5000");
  assert.match(await visible(".head-name").textContent(), /1,000 of 5,000 log records/);
  assert.deepEqual([...new Set(await records().locator(".severity").allTextContents())], ["error"]);
  await rows().first().click();
  assert.match(await page.locator(".span-panel").textContent(), /less severe record/);
});

test("a span that is the exemplar of a metric has a mark, and its details name what was measured", async () => {
  page = await open(browser, "logs");
  const chip = rows().first().locator(".chip.exemplar");
  assert.equal(await visible(".chip.exemplar").count(), 1);
  assert.equal(await chip.textContent(), "exemplar");
  const text = "exemplar of http.server.request.duration 0.35 s with http.route=/orders";
  assert.equal(await chip.getAttribute("title"), text);
  assert.ok((await rows().first().locator(".time .visually-hidden").textContent()).includes(text));
  await rows().first().click();
  assert.match(await page.locator(".span-panel .exemplars").textContent(), /http\.server\.request\.duration 0\.35 shttp\.route\/orders/);
  await page.keyboard.press("f");
  await page.keyboard.type("request.duration");
  assert.equal(await visible(".found").textContent(), "1 found");
});

// --- services, comparison

test("the service graph tells calls, errors and medians, and leads to the spans", async () => {
  page = await open(browser, "failed", { hash: "#spec-2" });
  await page.click("role=tab[name=/^Services/]");
  assert.equal(await visible(".graph .node").count(), 6);
  assert.equal(await visible(".graph .edge").count(), 5);
  assert.match(await visible(".numbers").nth(1).textContent(), /orderpaymenta parent1/);
  await picture(page, "services");
  await visible(".graph .node").filter({ hasText: "payment" }).click();
  assert.match(await visible(".found").textContent(), /found/);
});

test("what failed stands beside its last trace that passed, with what differs", async () => {
  page = await open(browser, "failed");
  await page.click("role=tab[name=/^Compare/]");
  const change = visible(".changes tbody tr");
  assert.equal(await change.count(), 1);
  assert.match(await change.textContent(), /other number.*SELECT stock.*1.*4/);
  assert.equal(await visible(".side-by-side [role=treegrid]").count(), 2);
  await picture(page, "compare");
  await change.locator("button").click();
  assert.equal(await visible(".side-by-side .row.current .operation").first().textContent(), "SELECT stock");
});

test("where no earlier trace is known, one reads how to keep them", async () => {
  page = await open(browser, "spans-5000");
  assert.equal(await page.locator("role=tab[name=/^Compare/]").count(), 0);
  assert.match(await page.locator(".step").textContent(), /--save-traces FOLDER/);
});

test("traces of one structure are said to be so", async () => {
  page = await open(browser, "failed", { hash: "#spec-2" });
  await page.click("role=tab[name=/^Compare/]");
  assert.match(await visible(".compare .hint").textContent(), /same structure/);
});

// --- all traces of the run

const views = (name) => page.getByRole("tab", { name }).locator("visible=true");

test("the service graph of the run has the calls of all traces", async () => {
  page = await open(browser, "failed");
  await page.click("#run-link");
  assert.equal(await page.evaluate(() => document.activeElement.id), "run-title");
  assert.equal(await page.getAttribute("#run-link", "aria-current"), "true");
  assert.match(await page.locator("#spec header").textContent(), /trace.* · .*span.* · 6 services/);
  assert.equal(await visible(".graph .node").count(), 6);
  await picture(page, "run-services");
  await visible(".graph .node").filter({ hasText: "payment" }).click();
  assert.match(await visible(".pair-tools .found").textContent(), /found/);
});

test("the reader chooses any two traces of the run", async () => {
  page = await open(browser, "failed", { hash: "#run" });
  await views(/^Two traces/).click();
  assert.equal(await visible(".side-by-side [role=treegrid]").count(), 2);
  const [left, right] = ["Left trace", "Right trace"].map((name) => page.getByRole("combobox", { name }));
  const of = async (spec) => left.evaluate((select, name) => [...select.options].find((one) => one.parentElement.label === name && !one.text.includes("passed")).value, spec);
  const [paid, stock] = [await of(PAID), await of(STOCK)];
  await left.selectOption(stock);
  await right.selectOption(stock);
  assert.match(await visible(".pair .hint").textContent(), /the same trace/);
  await right.selectOption(paid);
  const change = visible(".changes tbody tr").filter({ hasText: "SELECT stock" });
  assert.match(await change.textContent(), /other number.*4.*1/);
  await change.locator("button").click();
  assert.equal(await visible(".side-by-side .row.current .operation").first().textContent(), "SELECT stock");
  await page.click("text=Swap");
  assert.equal(await left.inputValue(), paid);
  await picture(page, "run-pair");
});

test("traces are found by spec, service and id, and the chosen ones stay", async () => {
  page = await open(browser, "failed", { hash: "#run" });
  await views(/^Two traces/).click();
  const left = page.getByRole("combobox", { name: "Left trace" }), before = await left.inputValue();
  await page.fill("input[aria-label^='Find traces']", "no such trace");
  assert.match(await visible(".pair-tools .found").textContent(), /^0 found/);
  assert.equal(await left.inputValue(), before);
  assert.equal(await left.locator("option").count(), 1);
});

test("going back from the run leads to the spec", async () => {
  page = await open(browser, "failed");
  await shows(STOCK);
  await page.click("#run-link");
  await page.locator("#run-title").waitFor();
  await page.goBack();
  await page.click("#list a >> nth=0");
  await shows(STOCK);
  assert.equal(await page.getAttribute("#run-link", "aria-current"), null);
});

// --- keys, themes, sizes

test("slash searches, j and k go from spec to spec, a question mark lists the keys", async () => {
  page = await open(browser, "failed");
  await page.keyboard.press("j");
  await shows(PAID);
  await page.keyboard.press("k");
  await shows(STOCK);
  await page.keyboard.press("/");
  await page.keyboard.type("refunds");
  assert.deepEqual(await names(), ["refunds"]);
  await page.keyboard.press("Enter");
  await shows("refunds");
  await page.keyboard.press("Escape");
  await page.locator("#spec-title").focus();
  await page.keyboard.press("?");
  assert.equal(await visible("#shortcuts").count(), 1);
  await page.keyboard.press("Escape");
  assert.equal(await visible("#shortcuts").count(), 0);
});

test("the first stop of the Tab key leads past the list", async () => {
  page = await open(browser, "failed");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "main");
  await shows(STOCK);
});

test("it is dark where the system is, and where one wants it", async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  page = await open(browser, "failed", { colorScheme: "dark" });
  const dark = await ground();
  await picture(page, "failed-dark");
  await page.click("#theme");
  assert.notEqual(await ground(), dark);
  await page.click("#theme");
  assert.equal(await ground(), dark);
});

test("on a narrow screen the list comes first, and a spec has a way back", async () => {
  page = await open(browser, "failed", { width: 400, height: 800 });
  assert.equal(await visible("#spec-title").count(), 0);
  await page.click("#list a >> nth=0");
  await page.locator("#list").waitFor({ state: "hidden" });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await picture(page, "narrow");
  await page.click(".back");
  await page.locator("#list").waitFor({ state: "visible" });
});

test("without scripts one reads what failed", async () => {
  page = await open(browser, "failed", { javaScriptEnabled: false, width: 400 });
  assert.match(await page.locator("main").innerText(), /expected exactly 1, found 4/);
  assert.equal(await visible("#search").count(), 0);
});

test("on paper there is every row, and nothing to click on", async () => {
  page = await open(browser, "spans-5000");
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await rows().count(), 5000);
  assert.equal(await page.locator(".tools:visible, nav:visible").count(), 0);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  await page.emulateMedia({ media: "screen" });
  assert.ok(await rows().count() < 100);
});

// --- accessibility, and pages without scripts

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

for (const [name, hash, colorScheme, tab] of [["failed", "#spec-1", "light"], ["failed", "#spec-1", "dark"], ["failed", "#spec-1", "dark", "Services"],
  ["failed", "#spec-1", "light", "Compare"], ["failed", "#spec-1", "light", "Spec"], ["failed", "#spec-4", "dark"], ["failed", "#spec-5", "light"], ["failed", "#run", "dark"], ["failed", "#run", "light", "Two traces"], ["hostile", "#spec-1", "light"], ["logs", "#spec-1", "light"], ["logs", "#spec-1", "dark"], ["passed", "#spec-3", "light"]]) {
  test(`axe finds nothing to object to: ${[name + hash, colorScheme, tab].filter(Boolean).join(", ")}`, async () => {
    page = await open(browser, name, { hash, colorScheme, bypassCSP: true });
    if (tab) await page.click(`role=tab[name=/^${tab}/]`);
    else if (await rows().count() > 3) await rows().nth(3).click();
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`), []);
  });
}

test("whatever a service says stays text", async () => {
  page = await open(browser, "hostile");
  const notHostile = async () => {
    assert.doesNotMatch(await page.title(), /hostile/);
    assert.doesNotMatch(await page.locator("body").innerText(), /[\u0000-\u0008\u001b\u2028\u202e]/);
    assert.equal(await page.locator("img, iframe, object, embed, main script, svg[onload], [onerror], [onmouseover]").count(), 0);
  };
  await notHostile();
  assert.match(await page.locator(".operation").first().textContent(), /^<\/script><script>/);
  assert.equal(await rows().count(), 14);
  for (let at = 0; at < 14; at++) {
    await rows().nth(at).click();
    await notHostile();
  }
  for (const tab of ["Services", "Spec", "Response"]) {
    await page.click(`role=tab[name=/^${tab}/]`);
    await notHostile();
  }
  await page.hover("#list a");
  await notHostile();
});
