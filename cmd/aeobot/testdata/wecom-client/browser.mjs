// Two members of the local group chat, in a real browser. The argument is the page's
// address; standard output is one JSON object with what was seen. A second argument
// names a folder for screenshots.
import { chromium } from 'playwright-core';

const [base, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
const errors = [], foreign = [];
page.on('console', (m) => { if (m.type() === 'error') errors.push(m.text()); });
page.on('pageerror', (e) => errors.push(e.message));
page.on('dialog', (d) => { errors.push(`dialog ${d.message()}`); d.dismiss(); });
page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('data:')) foreign.push(r.url()); });
await page.goto(base);

// say writes as the member chosen and gives what the bot answers.
async function say(text) {
  const before = await page.locator('article').count();
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
  await page.waitForFunction((n) => document.querySelectorAll('article').length >= n + 2, before);
  return page.locator('article').last().locator('.bubble').innerText();
}
const seen = {};
seen.list = await say('@AEO助手 地方政府特色支持');
seen.item = await say('@AEO助手 第3条');
await page.selectOption('#member', '王强');
seen.stranger = await say('@AEO助手 第3条');
await page.locator('article').nth(1).getByRole('button', { name: '引用' }).click();
seen.quoted = await say('@AEO助手 第3条');
seen.markup = await say('@AEO助手 <img src=x onerror=alert(1)> **粗** [点](http://x.invalid)');
if (folder) await page.screenshot({ path: `${folder}/group.png` });
await page.click('#tab-single');
seen.single = await say('能免除担保吗');
seen.forwarded = await say('转发');
await page.setViewportSize({ width: 390, height: 800 });
seen.wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
if (folder) await page.screenshot({ path: `${folder}/phone.png` });
process.stdout.write(JSON.stringify({ ...seen, errors, foreign }));
await browser.close();
