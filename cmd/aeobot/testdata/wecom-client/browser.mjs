// Two members of the local group chat, in a real browser. The argument is the page's
// address; standard output is one JSON object with what was seen. A second argument
// names a folder for screenshots.
import { chromium } from 'playwright-core';

const [base, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'], timeout: 300_000 });
const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
page.setDefaultTimeout(300_000); // a busy machine is slow, not wrong
const errors = [], foreign = [];
page.on('console', (m) => { if (m.type() === 'error') errors.push(m.text()); });
page.on('pageerror', (e) => errors.push(e.message));
page.on('dialog', (d) => { errors.push(`dialog ${d.message()}`); d.dismiss(); });
page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('data:')) foreign.push(r.url()); });
await page.goto(base);

const articles = page.locator('article');
const words = async (at) => (await at.locator('.bubble').innerText()).trim();
// answered waits for the finished answer after the first n messages.
async function answered(n) {
  await page.waitForFunction((n) => { const all = document.querySelectorAll('article'); return all.length >= n && !all[all.length - 1].querySelector('.soft'); }, n);
  return words(articles.last());
}
// say writes as the member chosen and gives what the bot answers.
async function say(text) {
  const before = await articles.count();
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
  return answered(before + 2);
}
const shot = async (name) => { if (folder) await page.screenshot({ path: `${folder}/${name}.png` }); };
const room = (name) => page.locator('#tabs').getByRole('button', { name }).click();

const seen = {};
// One member asks, and follows up by typing; another's follow-up is not hers, until he quotes.
seen.list = await say('@AEO助手 地方政府特色支持');
seen.item = await say('@AEO助手 第3条');
await page.selectOption('#member', { label: '王强' });
seen.stranger = await say('@AEO助手 第3条');
await articles.nth(1).getByRole('button', { name: '引用' }).click();
seen.quoted = await say('@AEO助手 第3条');
await shot('group');
// He goes on by a button under an answer, and says what he thinks of it.
await say('@AEO助手 AEO');
const asked = articles.last();
const id = await asked.getAttribute('id');
const answer = page.locator(`#${id}`);
seen.buttons = await answer.locator('.card button').allInnerTexts();
let before = await articles.count();
await answer.locator('.card').getByRole('button', { name: /更多/ }).click();
seen.more = await answered(before + 1);
await answer.locator('.card').getByRole('button', { name: '有用' }).click();
await answer.locator('.card .title', { hasText: '已记录' }).waitFor();
seen.thanked = await answer.locator('.card .title').innerText();
await answer.getByRole('button', { name: '不准确', exact: true }).click();
await page.getByLabel('内容不全').check();
await page.getByLabel('补充说明').fill('没有写互认国家');
await shot('feedback');
await page.click('#why-send');
await answer.getByRole('button', { name: '不准确', pressed: true }).waitFor();
await answer.scrollIntoViewIfNeeded();
await shot('card');
// The other member sees his opinion nowhere, and goes on by typing where he was not.
await page.selectOption('#member', { label: '林悦' });
seen.others = await answer.locator('.card .title').innerText();
seen.othersRating = await answer.getByRole('button', { name: '不准确', pressed: true }).count();
seen.ownThread = await say('@AEO助手 第4条');
seen.markup = await say('@AEO助手 <img src=x onerror=alert(1)> **粗** [点](http://x.invalid)');
await room(/单聊/);
seen.welcome = await answered(1);
seen.single = await say('能免除担保吗');
seen.forwarded = await say('转发');
await page.setViewportSize({ width: 390, height: 800 });
seen.wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
await shot('phone');
process.stdout.write(JSON.stringify({ ...seen, errors, foreign }));
await browser.close();
