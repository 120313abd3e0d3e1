// Time to open large reports. The times are printed; the limits are far above them, for slow machines.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { drawn, launch, open, pages, picture } from "./browser.mjs";

const LIMIT = 5000;
const ROUNDS = 5;
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// Median of the times from the navigation until the page handles a click.
async function timeToOpen(name) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await open(browser, name);
    times.push(await page.evaluate(() => performance.now()));
    await page.context().close();
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1];
}

async function timed(page, act) {
  const start = performance.now();
  await act();
  await drawn(page);
  return performance.now() - start;
}

function told(t, what, ms) {
  t.diagnostic(`${what}: ${ms.toFixed(0)} ms`);
  assert.ok(ms < LIMIT, `${what} took ${ms} ms`);
}

const size = (name) => `${(statSync(path.join(pages, `${name}.html`)).size / 1e6).toFixed(2)} MB`;

test("five hundred specs open, search and change quickly", async (t) => {
  t.diagnostic(`size: ${size("specs-500")}`);
  told(t, "open 500 specs", await timeToOpen("specs-500"));
  const page = await open(browser, "specs-500");
  told(t, "search among 500 specs", await timed(page, () => page.fill("#search", "order 499")));
  assert.equal(await page.locator("#list li:visible").count(), 1);
  told(t, "open another spec", await timed(page, () => page.keyboard.press("Enter")));
  await page.locator("#spec-title").filter({ hasText: "placing order 499" }).waitFor();
  await picture(page, "specs-500");
  told(t, "open the traces of 500 specs", await timed(page, () => page.click("#run-link")));
  told(t, "two traces of 500 specs", await timed(page, () => page.click("role=tab[name=/^Two traces/]")));
  assert.equal(await page.locator(".side-by-side [role=treegrid]").count(), 2);
  told(t, "find traces of 500 specs", await timed(page, () => page.fill("input[aria-label^='Find traces']", "order 499")));
  await page.context().close();
});

test("a trace of five thousand spans opens, scrolls, folds and is searched quickly", async (t) => {
  t.diagnostic(`size: ${size("spans-5000")}`);
  told(t, "open 5,000 spans", await timeToOpen("spans-5000"));
  const page = await open(browser, "spans-5000");
  const rows = page.locator("[role=row]");
  assert.equal(await page.getAttribute("[role=treegrid]", "aria-rowcount"), "5000");
  assert.ok(await rows.count() < 100, "only what is in sight is an element");
  assert.equal(await page.locator(".row.marked").count(), 1);
  await picture(page, "spans-5000");
  await page.locator("[role=treegrid]").focus();
  told(t, "to the last of 5,000 spans", await timed(page, () => page.keyboard.press("End")));
  assert.equal(await page.locator(".row.current").getAttribute("aria-rowindex"), "5000");
  told(t, "collapse all of 5,000 spans", await timed(page, () => page.click("text=Collapse")));
  assert.ok(Number(await page.getAttribute("[role=treegrid]", "aria-rowcount")) < 10);
  told(t, "expand all of 5,000 spans", await timed(page, () => page.click("text=Expand")));
  told(t, "search among 5,000 spans", await timed(page, () => page.fill("input[aria-label='Find spans in this trace']", "ord-0000000000001000")));
  assert.equal(await page.locator(".found").textContent(), "1 found");
  await page.context().close();
});

test("budgets of many requests open quickly", async (t) => {
  for (const samples of ["2000", "100000"]) {
    t.diagnostic(`size: ${size(`budgets-${samples}`)}`);
    told(t, `open five budgets of ${samples} samples`, await timeToOpen(`budgets-${samples}`));
  }
});
