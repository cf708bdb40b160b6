// A tab of the local group chat that stays open while the program is stopped and started
// again. The argument is the page's address. It prints a line when it has been answered, one
// when it has noticed that the program is away, and after a line on standard input, JSON
// with what it shows once it has been answered by the program started again.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [base, folder] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
process.stdin.on('end', () => process.exit(1)); // nobody waits any more
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ["--no-sandbox"], timeout: 300_000 });
const page = await browser.newPage();
page.setDefaultTimeout(300_000); // a busy machine is slow, not wrong
await page.goto(base);

// say writes and waits until the last of n messages is a finished answer.
async function say(text, n) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
  await page.waitForFunction((n) => { const all = document.querySelectorAll('article'); return all.length === n && !all[n - 1].querySelector('.soft'); }, n);
}
const error = () => page.innerText('#error');

await say('@AEO助手 地方政府特色支持', 2);
await say('@AEO助手 第3条', 4);
console.log('answered');
await page.waitForFunction(() => document.getElementById('error').textContent !== '');
console.log(await error());
await lines.next();
await page.waitForFunction(() => document.getElementById('error').textContent === '' && !document.querySelector('article'));
const notice = await page.innerText('#log');
await say('@AEO助手 能免除担保吗', 2);
if (folder) await page.screenshot({ path: `${folder}/restart.png` });
console.log(JSON.stringify({ notice, log: await page.innerText('#log'), error: await error() }));
await browser.close();
process.exit(0);
