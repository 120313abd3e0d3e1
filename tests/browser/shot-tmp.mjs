import { launch, open, drawn } from "/work/wt/html/tests/browser/browser.mjs";
const browser = await launch();
const shots = JSON.parse(process.argv[2]);
for (const [out, name, colorScheme, width, js, sel, act] of shots) {
  const page = await open(browser, name, { width, height: 950, colorScheme, javaScriptEnabled: js, hash: "#spec-1" });
  await page.evaluate(() => { document.body.style.height="auto"; document.documentElement.style.height="auto"; const m=document.querySelector("main"); m.style.overflow="visible"; });
  const h = await page.evaluate(() => Math.max(document.documentElement.scrollHeight, document.querySelector("main").scrollHeight+200));
  await page.setViewportSize({ width, height: Math.min(h, 9000) });
  if (act) { await page.click(act); await drawn(page); }
  await page.locator(sel).locator("visible=true").first().screenshot({ path: `/tmp/${out}.png` });
  if (page.complaints.length) console.log(page.complaints);
  await page.context().close();
}
await browser.close();
