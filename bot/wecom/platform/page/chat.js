// The local group chat: shows what comes, sends what is written. All markup of
// messages is made, and made safe, by the program.
'use strict';
const bot = document.body.dataset.bot;
const el = (id) => document.getElementById(id);
const member = el('member'), log = el('log'), text = el('text'), error = el('error');
const all = [];
let group = true, quoted = 0, last = 0;

const chat = () => (group ? 'group' : member.value);

function show(m) {
  if (m.chat !== chat()) return;
  const article = document.createElement('article');
  if (m.from === member.value) article.className = 'mine';
  const who = document.createElement('div');
  who.className = 'who';
  who.textContent = `${m.from} ${m.at} `;
  const quote = document.createElement('button');
  quote.type = 'button';
  quote.textContent = '引用';
  quote.addEventListener('click', () => startQuote(m));
  who.append(quote);
  const bubble = document.createElement('div');
  bubble.className = 'bubble';
  if (m.quote) {
    const q = document.createElement('div');
    q.className = 'quote';
    q.textContent = m.quote;
    bubble.append(q);
  }
  const words = document.createElement('div');
  words.innerHTML = m.html;
  bubble.append(words);
  article.append(who, bubble);
  log.append(article);
  log.scrollTop = log.scrollHeight;
}

function redraw() {
  log.replaceChildren();
  all.forEach(show);
  el('tab-group').setAttribute('aria-pressed', String(group));
  el('tab-single').setAttribute('aria-pressed', String(!group));
  stopQuote();
  hints();
}

function startQuote(m) {
  quoted = m.id;
  el('quoting').hidden = false;
  el('quoting').firstElementChild.textContent = `引用 ${m.from}：${m.text.slice(0, 40)}`;
  text.focus();
}

function stopQuote() {
  quoted = 0;
  el('quoting').hidden = true;
}

function hints() {
  const offers = ['海关对AEO企业有何激励?', '优先通关如何实现?', '还有其他支持吗?', '第3条', '更多', '转发'];
  el('hints').replaceChildren(...offers.map((offer) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.textContent = offer;
    b.addEventListener('click', () => { text.value = (group ? `@${bot} ` : '') + offer; text.focus(); });
    return b;
  }));
}

async function send() {
  if (!text.value.trim()) return;
  error.textContent = '';
  const body = JSON.stringify({ chat: chat(), from: member.value, text: text.value, quote: quoted });
  try {
    const answer = await fetch('/chat/messages', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    if (!answer.ok) throw new Error((await answer.json()).error);
    text.value = '';
    stopQuote();
  } catch (e) {
    error.textContent = `没有发出：${e.message}`;
  }
}

async function listen() {
  for (;;) {
    try {
      const answer = await fetch(`/chat/messages?after=${last}`);
      if (!answer.ok) throw new Error(String(answer.status));
      for (const m of await answer.json()) {
        last = Math.max(last, m.id);
        all.push(m);
        show(m);
      }
      error.textContent = '';
    } catch (e) {
      error.textContent = '连不上程序，正在重试…';
      await new Promise((again) => setTimeout(again, 1000));
    }
  }
}

el('form').addEventListener('submit', (e) => { e.preventDefault(); send(); });
text.addEventListener('keydown', (e) => {
  if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); }
});
member.addEventListener('change', redraw);
el('tab-group').addEventListener('click', () => { group = true; redraw(); });
el('tab-single').addEventListener('click', () => { group = false; redraw(); });
el('unquote').addEventListener('click', stopQuote);
hints();
listen();
