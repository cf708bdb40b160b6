// A customer and a servicer in the stand-in's page, in a real browser. The argument is the
// page's address; standard output is one JSON object with what was seen. A second argument
// names a folder for screenshots.
import { chromium } from 'playwright-core';

const [base, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'], timeout: 300_000 });
const page = await browser.newPage({ viewport: { width: 1000, height: 1000 } });
page.setDefaultTimeout(300_000); // a busy machine is slow, not wrong
const errors = [];
page.on('console', (m) => { if (m.type() === 'error') errors.push(m.text()); });
page.on('pageerror', (e) => errors.push(e.message));
await page.goto(base);

const articles = page.locator('article');
const words = async (at) => (await at.locator('.bubble').innerText()).trim();
const shot = async (name) => { if (folder) await page.screenshot({ path: `${folder}/kf-${name}.png` }); };
const press = (name) => page.getByRole('button', { name, exact: true }).click();
// until waits for a message that holds some words, and gives it.
async function until(text) {
  const found = articles.filter({ hasText: text }).last();
  await found.waitFor();
  return words(found);
}
async function write(text) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
  await page.waitForFunction(() => document.getElementById('text').value === '');
}
const talk = (text) => page.locator('#talk', { hasText: text }).waitFor();

const seen = {};
await page.locator('#tabs').getByRole('button', { name: '微信客服' }).click();
seen.welcome = await until('你好');
await write('转人工');
seen.nobody = await until('现在没有客服人员在线');
await shot('nobody');
// Two refusals in a row, and the menu under the second.
await write('蓝鲸通道怎么走');
await until('蓝鲸通道');
await write('紫砂壶怎么退税');
const menu = page.locator('article .card').getByRole('button', { name: '转人工' });
await menu.waitFor();
await press('周敏：没有接待');
await page.getByRole('button', { name: '周敏：正在接待' }).waitFor();
await menu.click();
seen.handedOver = await until('已转人工');
await talk('人工接待（周敏）');
await shot('handed-over');
await write('在吗？地方政府特色支持');
await page.fill('#servicer-text', '您好，我是周敏，您说的材料请发我。');
await press('客服回复');
seen.servicer = await until('我是周敏');
seen.silent = await articles.filter({ hasText: '在行政服务中心试点设立AEO服务专窗' }).count();
await shot('person');
await press('结束会话');
seen.back = await until('人工服务已结束');
await talk('没有会话');
await write('地方政府特色支持');
seen.answer = await until('在行政服务中心试点设立AEO服务专窗');
await shot('given-back');
// A colleague who opens the link cannot be answered; the next customer is.
await page.selectOption('#member', { label: '王强' });
await page.getByLabel('我是本公司同事').check();
await until('同事的身份');
await write('能免除担保吗');
await page.selectOption('#member', { label: '陈静' });
await page.locator('#tabs').getByRole('button', { name: '微信客服' }).click();
await write('能免除担保吗');
seen.behind = await until('可向海关申请免除担保');
await page.selectOption('#member', { label: '王强' });
seen.colleague = await articles.filter({ hasText: '可向海关申请免除担保' }).count();
await shot('colleague');
await page.setViewportSize({ width: 390, height: 800 });
seen.wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
await shot('phone');
process.stdout.write(JSON.stringify({ ...seen, errors }));
await browser.close();
