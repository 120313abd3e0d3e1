// Loads: budgets, their figures and their slowest traces. `benches/html.rs` writes the page `budgets`;
// `quick` and `slow` are from real runs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { createRequire } from "node:module";
import { drawn, launch, open, picture } from "./browser.mjs";

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
const budget = (name) => page.locator(`[aria-label="Budget of ${name}"]`).locator("visible=true");
const openBudgets = async (options) => { page = await open(browser, "budgets", { hash: "#spec-1", ...options }); };
const NARROW = { width: 390, height: 844 };

// Pairs of elements whose boxes overlap.
const meeting = (locator) => locator.evaluateAll((elements) => {
  const boxes = elements.map((element) => [element.textContent, element.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.flatMap(([text, box], at) => boxes.slice(at + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${text} ${other}`));
});

test("a failed budget shows both versions and the ratio", async () => {
  await openBudgets();
  const one = budget("inventory-check");
  assert.deepEqual(await one.locator(".legend li").allTextContents(), ["v2.3.0 (baseline, n = 500)", "v2.4.0 (now, n = 500)", "limit", "limit from the baseline"]);
  assert.equal(await one.locator(".ecdf path").count(), 2);
  assert.match(await one.locator(".quantiles tr:has(.failed)").textContent(), /p50.*120.ms.*351.ms.*2\.9.x.*✗ REGRESSED/);
  assert.match(await one.locator(".claims .failed").textContent(), /^p50 of inventory-check: REGRESSED: at least 2\.\d+x slower/);
  await picture(page, "budgets-light");
});

test("a version that became slow stands beside its baseline", async () => {
  page = await open(browser, "slow");
  const one = budget("inventory-check");
  assert.match(await one.locator(".legend").textContent(), /v2\.3\.0 \(baseline, n = 500\).*v2\.4\.0 \(now, n = 500\)/);
  assert.match(await one.locator(".quantiles tr:has(.failed)").first().textContent(), /^p50.*REGRESSED/);
  assert.match(await page.locator(".card.failed h3").first().textContent(), /p50 of inventory-check/);
  assert.match(await page.locator(".step").innerText(), /The following shows one of 500 requests: the slowest\. 201 in/);
  await picture(page, "budgets-slow");
});

test("a first run has no baseline, and shows what its budget asks for", async () => {
  page = await open(browser, "quick");
  assert.match(await page.locator(".load .notice:visible").textContent(), /no baseline for p50, p99 of inventory-check/);
  const one = budget("inventory-check");
  assert.deepEqual(await one.locator(".quantiles tbody th").allTextContents(), ["p50", "p99"]);
  assert.equal(await one.locator(".ecdf svg[role=img] .point").count(), 2);
});

test("where there is no baseline there is one curve, and where nothing is known of a bound no whisker", async () => {
  await openBudgets();
  assert.equal(await budget("response time").locator(".ecdf path").count(), 1);
  assert.equal(await budget("cache lookup (self time)").locator(".quantiles .bounds").first().textContent(), "no bounds");
});

test("the load shows its numbers and the failed checks", async () => {
  await openBudgets();
  assert.match(await visible(".load-facts").innerText(), /Requests\s+500 after 10 for warm-up\s+Pace\s+50\/s for 10\ss Poisson arrivals/);
  assert.match(await visible(".failing tbody").innerText(), /12\s+2\.4 %\s+status of the response: 201\s+specs\/orders\.yaml:4/);
});

test("the slowest trace unfolds as a waterfall", async () => {
  await openBudgets();
  const details = budget("inventory-check").locator(".exemplar");
  await details.locator("summary").click();
  await details.locator("[role=treegrid] [role=row]").first().waitFor();
  assert.match(await details.locator("p").first().textContent(), /^trace [0-9a-f]{32}, 20 spans, saved in target\/spanspec\/slowest\.json$/);
  assert.equal(await details.locator("pre").count(), 0);
  await details.locator("[role=row]").nth(2).click();
  assert.equal(await details.locator(".span-panel").count(), 1);
});

for (const size of [NARROW, { width: 1400 }]) {
  test(`labels do not meet, and nothing is wider than a screen of ${size.width} pixels`, async () => {
    await openBudgets(size);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    for (const one of await visible(".ecdf").all()) {
      assert.deepEqual(await meeting(one.locator("svg[role=img] text")), []);
      const ticks = await one.locator(".tick-label").evaluateAll((all) => all.filter((tick) => tick.getBoundingClientRect().width > 0).length);
      assert.ok(ticks >= 2, `${ticks} ticks`);
    }
    for (const table of await visible(".quantiles").all()) {
      assert.deepEqual(await meeting(table.locator("td, tbody th")), []);
      assert.ok(await table.evaluate((element) => element.scrollWidth <= element.parentElement.clientWidth));
    }
    await budget("ship").scrollIntoViewIfNeeded();
    await picture(page, `budgets-${size.width}`);
  });
}

test("without scripts there is all of it, and the slowest trace as text", async () => {
  await openBudgets({ javaScriptEnabled: false });
  assert.equal(await visible(".ecdf svg[role=img]").count(), 5);
  assert.match(await budget("ship").locator(".quantiles").innerText(), /p99.*TOO FEW/s);
  await budget("ship").locator("summary").click();
  assert.match(await budget("ship").locator(".exemplar pre").innerText(), /api-gateway/);
});

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { colorScheme: "dark", ...NARROW }]) {
  test(`axe finds nothing to object to: ${Object.values(options).join(", ")}`, async () => {
    await openBudgets({ ...options, bypassCSP: true });
    await budget("ship").locator("summary").click();
    await drawn(page);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`), []);
  });
}
