// The company's chats: shows what comes, sends what is done. All markup of messages is
// made, and made safe, by the program.
'use strict';
let bot = document.body.dataset.bot;
const el = (id) => document.getElementById(id);
const member = el('member'), log = el('log'), text = el('text'), error = el('error');
const all = new Map(); // messages by id
const tabs = [...el('tabs').children];
let tab = tabs[0], quoted = 0, last = 0, epoch = '';

const shared = () => ['group', 'robot'].includes(tab.dataset.room);
const chat = () => (shared() ? tab.dataset.room : `${tab.dataset.room}/${member.value}`);

function make(tag, className, words) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (words) e.textContent = words;
  if (tag === 'button') e.type = 'button';
  return e;
}

function button(words, pressed, className) {
  const b = make('button', className, words);
  b.addEventListener('click', pressed);
  return b;
}

// draw makes the element of a message.
function draw(m) {
  const article = make('article', m.from === member.value ? 'mine' : m.bot ? 'bot' : m.from ? '' : 'platform');
  article.id = `m${m.id}`;
  const who = make('div', 'who', `${m.name} ${m.at} `);
  if (m.bot || m.from) who.append(button('引用', () => startQuote(m)));
  const bubble = make('div', 'bubble');
  if (m.quote) bubble.append(make('div', 'quote', m.quote));
  const words = make('div', 'words');
  words.innerHTML = m.html;
  bubble.append(words);
  if (m.unfinished) bubble.append(make('div', 'soft', '正在生成…'));
  article.append(who);
  if (m.text || m.quote) article.append(bubble);
  const card = (m.own || {})[member.value] || m.card;
  if (card) article.append(drawCard(m, card));
  if (m.menu) article.append(drawMenu(m));
  if (m.rateable && !m.unfinished) article.append(drawRating(m));
  return article;
}

function drawCard(m, card) {
  const box = make('section', 'card');
  box.setAttribute('aria-label', '卡片');
  box.append(make('div', 'title', card.title));
  for (const b of card.buttons) {
    box.append(button(b.text, (e) => {
      e.target.disabled = true;
      act({ do: 'press', message: m.id, key: b.key });
    }, `style${b.style}`));
  }
  return box;
}

// drawMenu makes the entries of a customer service menu, which only its customer can tap.
function drawMenu(m) {
  const box = make('section', 'card');
  box.setAttribute('aria-label', '菜单');
  for (const e of m.menu) box.append(button(e.text, () => act({ do: 'tap', message: m.id, key: e.id })));
  return box;
}

// desk shows who has the customer's talk, and the servicers' part of it.
const states = ['新会话，机器人可以回复', '机器人接待', '排队中，等客服人员接入', '人工接待', '没有会话'];
async function desk() {
  const here = tab.dataset.room === 'kf';
  el('desk').hidden = !here;
  if (!here) return;
  const answer = await fetch(`/chat/kf?chat=${encodeURIComponent(chat())}`);
  if (!answer.ok) return;
  const d = await answer.json();
  el('talk').textContent = `会话：${states[d.state]}${d.servicer ? `（${d.servicer}）` : ''}`;
  el('servicers').replaceChildren(...d.servicers.flatMap((s) => {
    const duty = button(`${s.name}：${s.on_duty ? '正在接待' : '没有接待'}`, () => act({ do: 'duty', key: s.id }));
    duty.setAttribute('aria-pressed', String(s.on_duty));
    const may = d.state === 2 || (d.state === 3 && d.servicer !== s.name);
    return may && s.on_duty ? [duty, button(`由${s.name}接入`, () => act({ do: 'accept', key: s.id }))] : [duty];
  }));
  el('people').checked = d.people;
  el('colleague').checked = d.colleague;
  el('servicer-text').disabled = el('servicer-send').disabled = d.state !== 3;
  el('end').disabled = d.state !== 2 && d.state !== 3;
}

function drawRating(m) {
  const mine = (m.rated || {})[member.value] || 0;
  const box = make('div', 'rating');
  const rate = (kind, more) => act({ do: 'rate', message: m.id, kind: kind === mine ? 3 : kind, ...more });
  const good = button('准确', () => rate(1));
  const bad = button('不准确', () => (mine === 2 ? rate(2) : ask(m, rate)));
  good.setAttribute('aria-pressed', String(mine === 1));
  bad.setAttribute('aria-pressed', String(mine === 2));
  box.append(good, bad);
  return box;
}

// ask has the reader say what is wrong with an answer.
function ask(m, rate) {
  const why = el('why');
  el('why-form').reset();
  why.onclose = () => {
    if (why.returnValue !== 'send') return;
    const reasons = [...el('why-form').querySelectorAll('input:checked')].map((i) => Number(i.value));
    rate(2, { reasons, comment: el('comment').value });
  };
  why.returnValue = '';
  why.showModal();
}

function show(m) {
  const old = el(`m${m.id}`);
  if (m.chat !== chat()) return;
  if (old) {
    old.replaceWith(draw(m));
    return;
  }
  log.append(draw(m));
  log.scrollTop = log.scrollHeight;
}

function redraw() {
  log.replaceChildren();
  all.forEach(show);
  for (const t of tabs) t.setAttribute('aria-pressed', String(t === tab));
  text.placeholder = `${tab.dataset.hint}；回车发送，Shift+回车换行`;
  el('form').hidden = tab.dataset.room === 'robot';
  stopQuote();
  hints();
  desk();
}

function open(t) {
  tab = t;
  redraw();
  if (!shared()) act({ do: 'enter' });
}

function startQuote(m) {
  quoted = m.id;
  el('quoting').hidden = false;
  el('quoting').firstElementChild.textContent = `引用 ${m.name}：${m.text.slice(0, 40)}`;
  text.focus();
}

function stopQuote() {
  quoted = 0;
  el('quoting').hidden = true;
}

// hints are things to write; where there is a menu they are its entries.
function hints() {
  const offers = ['海关对AEO企业有何激励?', '优先通关如何实现?', '还有其他支持吗?', '第3条', '更多', '转发'];
  const room = tab.dataset.room;
  el('hints').replaceChildren(...(tab.dataset.menu ? ['菜单：'] : []), ...offers.map((offer) => button(offer, () => {
    if (tab.dataset.menu) {
      act({ do: 'menu', key: offer });
    } else {
      text.value = (room === 'group' ? `@${bot} ` : '') + offer;
      text.focus();
    }
  })));
}

async function post(path, body) {
  error.textContent = '';
  try {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ chat: chat(), from: member.value, ...body }) });
    if (!answer.ok) throw new Error((await answer.json()).error);
    return true;
  } catch (e) {
    error.textContent = `没有发出：${e.message}`;
    return false;
  }
}

async function act(body) {
  const done = await post('/chat/actions', body);
  desk();
  return done;
}

async function send() {
  if (text.value.trim() && await post('/chat/messages', { text: text.value, quote: quoted })) {
    text.value = '';
    stopQuote();
  }
}

// restarted forgets what the program, started again, does not know any more.
function restarted() {
  all.clear();
  last = 0;
  redraw();
  log.append(make('div', 'soft', '程序重新启动过，之前的消息没有保留，可以接着问。'));
}

async function listen() {
  for (;;) {
    try {
      const answer = await fetch(`/chat/messages?after=${last}${epoch && `&epoch=${epoch}`}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const run = answer.headers.get('Chat-Epoch');
      if (epoch && run !== epoch) restarted();
      epoch = run;
      let news = false;
      for (const m of await answer.json()) {
        last = Math.max(last, m.rev);
        all.set(m.id, m);
        show(m);
        news = true;
      }
      if (news) desk();
      if (error.dataset.lost) error.textContent = '';
      delete error.dataset.lost;
    } catch (e) {
      error.textContent = '连不上程序，正在重试…';
      error.dataset.lost = '1';
      await new Promise((again) => setTimeout(again, 1000));
    }
  }
}

// administer makes or mends a mistake in the admin console, or saves an URL there.
async function administer(body, saved) {
  const says = el('admin').querySelector('output');
  says.textContent = '';
  try {
    const answer = await fetch('/chat/admin', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    bot = said.bot;
    for (const t of tabs) if (t.dataset.room === 'group') t.dataset.hint = `在群里 @${bot} 提问`;
    hints();
    text.placeholder = `${tab.dataset.hint}；回车发送，Shift+回车换行`;
    says.textContent = saved;
  } catch (e) {
    says.textContent = e.message;
  }
}

if (el('admin')) {
  for (const box of el('admin').querySelectorAll('input')) box.addEventListener('change', () => administer({ mistake: box.name, on: box.checked }, ''));
  for (const b of el('admin').querySelectorAll('button')) b.addEventListener('click', () => administer({ save: b.dataset.save }, '保存成功'));
}

el('form').addEventListener('submit', (e) => { e.preventDefault(); send(); });
text.addEventListener('keydown', (e) => {
  if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); }
});
member.addEventListener('change', redraw);
for (const t of tabs) t.addEventListener('click', () => open(t));
el('servicer-send').addEventListener('click', async () => {
  if (await act({ do: 'servicer', comment: el('servicer-text').value })) el('servicer-text').value = '';
});
el('end').addEventListener('click', () => act({ do: 'end' }));
el('people').addEventListener('change', () => act({ do: 'people' }));
el('colleague').addEventListener('change', () => act({ do: 'colleague' }));
el('unquote').addEventListener('click', stopQuote);
redraw();
listen();
