// The stand-in's admin console in a real browser: mistakes are made and mended there. The
// argument is the page's address; standard output is one JSON object with what was seen. A
// second argument names a folder for screenshots.
import { chromium } from 'playwright-core';

const [base, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'], timeout: 300_000 });
const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
page.setDefaultTimeout(300_000); // a busy machine is slow, not wrong
const errors = [];
page.on('console', (m) => { if (m.type() === 'error' && !m.text().includes('400')) errors.push(m.text()); });
page.on('pageerror', (e) => errors.push(e.message));
await page.goto(base);
const shot = async (name) => { if (folder) await page.screenshot({ path: `${folder}/${name}.png` }); };
const says = () => page.locator('#admin output').innerText();
const set = async (words, on) => {
  const done = page.waitForResponse((r) => r.url().endsWith('/chat/admin'));
  await page.getByLabel(words).setChecked(on);
  await done;
};
const save = async () => {
  const done = page.waitForResponse((r) => r.url().endsWith('/chat/admin'));
  await page.getByRole('button', { name: '保存智能机器人的 URL' }).click();
  await done;
  await page.waitForFunction(() => document.querySelector('#admin output').textContent !== '');
  return says();
};
const write = async (text) => {
  const before = await page.locator('article').count();
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
  await page.waitForFunction((n) => document.querySelectorAll('article').length > n, before);
};

const seen = {};
await page.getByText('管理后台').click();
await set('回调的 URL 填错了', true);
seen.wrong = await save();
await shot('admin-wrong-url');
await set('回调的 URL 填错了', false);
seen.right = await save();
await set('“可使用的成员”里没有最后一位成员', true);
await page.selectOption('#member', { label: '陈静' });
await write('@AEO助手 能免除担保吗'); // shown as sent; nobody says that it is not heard
await set('在后台改名为', true);
await page.selectOption('#member', { label: '林悦' });
seen.hint = await page.getAttribute('#text', 'placeholder');
await write('@海关政策百科');
await page.waitForFunction(() => document.querySelectorAll('article.bot').length === 1);
await write('＠海关政策百科能免除担保吗');
await page.waitForFunction(() => document.querySelectorAll('article.bot').length === 2 && !document.querySelector('article.bot .soft'));
seen.answer = await page.locator('article.bot .bubble').last().innerText();
seen.unheard = await page.locator('article', { hasText: '陈静' }).count();
await shot('admin');
await page.setViewportSize({ width: 390, height: 800 });
await shot('admin-phone');
seen.wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
process.stdout.write(JSON.stringify({ ...seen, errors }));
await browser.close();
