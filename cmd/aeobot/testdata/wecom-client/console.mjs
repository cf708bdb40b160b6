// People at the coordinators' console, in a real browser. Standard input has one JSON
// object a line, {"do":…,"who":…,"base":…}; each is answered by one line on standard
// output. The argument, if any, names a folder for screenshots.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const folder = process.argv[2];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'], timeout: 300_000 });
const people = {}, errors = [], foreign = [];

// at gives a person's page, logged in at that replica.
async function at({ who, base, password }) {
  if (people[who]) return people[who];
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(300_000); // a busy machine is slow, not wrong
  // A form that is answered with 409 is said to have failed; what its page says is looked at.
  page.on('console', (m) => { if (m.type() === 'error' && !m.text().includes('status of 409')) errors.push(`${page.url()}: ${m.text()}`); });
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('dialog', (d) => { errors.push(`dialog ${d.message()}`); d.dismiss(); });
  page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('data:')) foreign.push(r.url()); });
  await page.goto(base + '/console/');
  await shot(page, 'login');
  // By keyboard alone.
  await page.getByLabel('名字').focus();
  await page.keyboard.type(who);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: '概览' }).waitFor();
  people[who] = page;
  return page;
}

const shot = async (page, name) => { if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true }); };
const main = async (page) => (await page.locator('main').innerText()).trim();

// visit opens a page. One that reloads itself while a gate runs may do so just then, which
// breaks the visit off.
const visit = async (page, url, tries = 5) => {
  try {
    return await page.goto(url);
  } catch (e) {
    if (tries === 1 || !/ERR_ABORTED|interrupted by another navigation/.test(e.message)) throw e;
    return visit(page, url, tries - 1);
  }
};

const does = {
  // look opens a page and gives its words.
  async look(page, { path, base, name }) {
    await visit(page, base + path);
    if (name) await shot(page, name);
    return { text: await main(page) };
  },
  // teach finds a question on the list and proposes it as a way to ask.
  async teach(page, { base, question, passage }) {
    await visit(page, base + '/console/');
    await page.getByRole('navigation').getByRole('link', { name: '未答' }).click();
    await shot(page, 'questions');
    await page.getByRole('link', { name: question, exact: true }).click();
    await page.getByLabel('找别的条目').fill(passage);
    await page.getByRole('button', { name: '找', exact: true }).click();
    await page.getByLabel(passage).first().check();
    await shot(page, 'question');
    await page.getByRole('button', { name: '提议', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: /^提议/ }).waitFor();
    await shot(page, 'judging');
    await page.getByText('评测通过').waitFor(); // the page looks again by itself
    await shot(page, 'proposal');
    return { proposal: new URL(page.url()).pathname, approves: await page.getByRole('button', { name: '确认并发布' }).count() };
  },
  // press presses a button of the page as it is, without looking at it anew.
  async press(page, { button, fill, name }) {
    for (const [label, text] of Object.entries(fill || {})) await page.getByLabel(label).fill(text);
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: button, exact: true }).click()]);
    if (name) await shot(page, name);
    return { text: await main(page) };
  },
  async approve(page, { base, proposal, name }) {
    await visit(page, base + proposal);
    const button = page.getByRole('button', { name: '确认并发布' });
    await button.waitFor(); // the page looks again by itself until it can be confirmed
    if (name) await shot(page, name);
    await button.click();
    await page.getByText('已作为').waitFor();
    return { text: await main(page) };
  },
  async restore(page, { base, version, reason }) {
    await visit(page, base + '/console/versions');
    const label = `恢复版本 ${version}`;
    await page.getByText(label, { exact: true }).click();
    await page.getByLabel('为什么', { exact: true }).locator('visible=true').fill(reason || '试过了，撤回');
    await shot(page, 'versions');
    await page.getByRole('button', { name: `提议${label}` }).click();
    await page.getByRole('heading', { level: 1, name: /^提议/ }).waitFor();
    return { proposal: new URL(page.url()).pathname };
  },
  // walk looks at every page of the menu, wide and on a phone, and tells which is wider
  // than the phone.
  async walk(page, { base }) {
    const links = await page.locator('nav a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    const wide = [];
    for (const href of links) {
      const name = href.replaceAll('/', '-').replace(/^-console-?/, '') || 'overview';
      const answer = await visit(page, base + href);
      if (!answer.ok()) continue; // not for this person
      await shot(page, `wide-${name}`);
      await page.setViewportSize({ width: 390, height: 800 });
      if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) wide.push(href);
      await shot(page, `phone-${name}`);
      await page.setViewportSize({ width: 1100, height: 900 });
    }
    // The first thing a keyboard reaches leads past the menu.
    await visit(page, base + '/console/');
    await page.keyboard.press('Tab');
    const skip = await page.evaluate(() => document.activeElement.textContent);
    return { wide, skip };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = await does[order.do](await at(order), order);
  } catch (e) {
    answer = { error: `${order.do}: ${e.message}`, text: people[order.who] ? await main(people[order.who]).catch(() => '') : '' };
  }
  process.stdout.write(JSON.stringify({ ...answer, errors, foreign }) + '\n');
}
await browser.close();
