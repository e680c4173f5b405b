// Opens three pages of the site in headless Chromium, light and dark: each passes axe (WCAG 2.2 A and
// AA), asks for nothing that does not lie in the site's own folder, logs no error, and is kept as a
// picture.
//
//   node tests/browser/site.mjs SITE PICTURES     with CHROMIUM set to the browser

import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, resolve } from "node:path";

import { chromium } from "playwright-core";

const PAGES = [
  "index.html",
  "tutorials/rank_donors.html",
  "explanation/model.html",
  "reference/generated/donormatch.Profiles.html",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

const [site, pictures] = process.argv.slice(2).map((path) => resolve(path));

// Browsers let a page read its own style sheets by http only; axe has to.
const server = createServer((request, response) => {
  const path = join(site, decodeURIComponent(new URL(request.url, "http://site").pathname));
  try {
    const content = readFileSync(path);
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const home = `http://127.0.0.1:${server.address().port}/`;

async function look(browser, path, colorScheme) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const problems = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(home) && !url.startsWith("data:")) problems.push(`asks for ${url}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`logs ${message.text()}`);
  });
  await page.goto(home + path, { waitUntil: "load" });
  const name = path.replaceAll("/", "-").replace(".html", `-${colorScheme}.png`);
  await page.screenshot({ path: join(pictures, name) });
  await page.evaluate(AXE);
  const found = await page.evaluate((values) => window.axe.run({ runOnly: { type: "tag", values } }), TAGS);
  for (const violation of found.violations) {
    const nodes = violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    problems.push(`axe: ${violation.id}: ${violation.help} (${violation.nodes.length}) ${nodes.join(" | ")}`);
  }
  if (found.passes.length < 10) problems.push(`axe tried only ${found.passes.length} rules`);
  await context.close();
  return problems.map((problem) => `${path}, ${colorScheme}: ${problem}`);
}

mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const problems = [];
for (const path of PAGES) {
  for (const colorScheme of ["light", "dark"]) problems.push(...(await look(browser, path, colorScheme)));
}
await browser.close();
server.close();
for (const problem of problems) console.error(problem);
console.log(`${2 * PAGES.length} views of ${PAGES.length} pages: ${problems.length} problems`);
process.exit(problems.length > 0 ? 1 : 0);
