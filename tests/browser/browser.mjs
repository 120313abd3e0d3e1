// A browser and its pages, for the tests.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

// The folder with the pages from .ci/browser.
export const pages = process.env.PAGES ?? "pages";
const pictures = path.join(pages, "pictures");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

function installed() {
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch { /* the next one */ }
  }
  throw new Error("no Chromium or Chrome is installed; .ci/browser installs one");
}

// Each launch has a new profile.
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? installed(), args: FLAGS });

// Opens a page and waits until it is ready. Errors of the page and network requests fail the test.
export async function open(browser, name, { hash = "", width = 1400, height = 950, colorScheme = "light", javaScriptEnabled = true, bypassCSP = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, javaScriptEnabled, bypassCSP });
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.stack));
  page.on("console", (message) => { if (message.type() !== "log") page.complaints.push(message.text()); });
  page.on("request", (request) => { if (!/^(file|data):/.test(request.url())) page.complaints.push(`asked for ${request.url()}`); });
  page.on("dialog", (dialog) => { page.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(pathToFileURL(path.resolve(pages, `${name}.html`)) + hash);
  if (javaScriptEnabled) {
    await page.waitForSelector("html[data-ready=true]");
    await drawn(page);
  }
  return page;
}

// After a frame, sizes are known and the parts that depend on them are drawn.
export const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));

// Saved for manual review.
export async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}
