// Opens a report in headless Chromium under a policy that forbids scripts and everything from
// elsewhere: it asks for nothing, logs nothing, and shows its donors.
//
//   node tests/browser/report.mjs REPORT.html PICTURES     with CHROMIUM set to the browser

import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { chromium } from "playwright-core";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const [report, pictures] = process.argv.slice(2);

const page_bytes = readFileSync(report);
const server = createServer((request, response) => {
  if (request.url !== "/") return response.writeHead(404).end();
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": POLICY,
  });
  response.end(page_bytes);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const home = `http://127.0.0.1:${server.address().port}/`;

mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
const problems = [];
page.on("request", (request) => {
  const url = request.url();
  if (url !== home && url !== `${home}favicon.ico` && !url.startsWith("data:")) problems.push(`asks for ${url}`);
});
page.on("console", (message) => {
  const { url } = message.location();
  if (message.type() === "error" && !url.endsWith("favicon.ico")) problems.push(`logs ${message.text()}`);
});
await page.goto(home, { waitUntil: "load" });
await page.screenshot({ path: join(pictures, "report.png") });
const text = await page.locator("body").innerText();
if (!/research use only/i.test(text)) problems.push("does not say what it is for");
const n_rows = await page.locator("tr").count();
if (n_rows < 10) problems.push(`shows ${n_rows} rows`);
await browser.close();
server.close();

for (const problem of problems) console.error(`${report}: ${problem}`);
console.log(`1 report of ${n_rows} rows: ${problems.length} problems`);
process.exit(problems.length > 0 ? 1 : 0);
