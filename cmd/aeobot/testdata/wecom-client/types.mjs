// The platform's own AI bot SDK says everything that it has a function or a type for, to the
// gateway named by the arguments, and then what the platform refuses. It reads messages and
// events of every type. One line on standard output for each: what, and the error code.
import AiBot, { generateReqId } from '@wecom/aibot-node-sdk';
import { createHash } from 'node:crypto';

const [wsUrl, botId, secret] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = new AiBot.WSClient({ botId, secret, wsUrl, logger: quiet, maxReconnectAttempts: 0 });
const say = (line) => process.stdout.write(`${line}\n`);

// tell prints how something ended: the SDK throws the frame of a refusal, or an Error that names its code.
async function tell(what, promise) {
  try {
    const frame = await promise;
    say(`${what} ${frame?.errcode ?? 0}`);
    return frame;
  } catch (refused) {
    say(`${what} ${refused.errcode ?? refused.message}`);
  }
}

let serial = 0;
const task = () => `task-${++serial}`;
const title = { title: '相关条目', desc: '说明' };
const options = [{ id: 'a', text: '甲' }, { id: 'b', text: '乙' }];
const cards = () => [
  { card_type: 'text_notice', main_title: title, card_action: { type: 1, url: 'https://kb.example/a' }, jump_list: [{ type: 3, title: '再问', question: '再问' }] },
  { card_type: 'news_notice', main_title: title, card_action: { type: 1, url: 'https://kb.example/a' }, card_image: { url: 'https://kb.example/i.png' } },
  { card_type: 'button_interaction', main_title: title, button_list: [{ text: '有', style: 1, key: 'yes' }], task_id: task() },
  { card_type: 'vote_interaction', main_title: title, checkbox: { question_key: 'q', option_list: options }, submit_button: { text: '交', key: 's' }, task_id: task() },
  { card_type: 'multiple_interaction', main_title: title, select_list: [{ question_key: 'q', option_list: options }], submit_button: { text: '交', key: 's' }, task_id: task() },
];
const picture = () => {
  const data = Buffer.from('not really a picture');
  return { msgtype: 'image', image: { base64: data.toString('base64'), md5: createHash('md5').update(data).digest('hex') } };
};
const media = ['file', 'image', 'voice', 'video'];

async function everything(frame) {
  const user = frame.body.from.userid;
  const id = generateReqId('stream');
  await tell('stream', client.replyStream(frame, id, '正在查找…', false, undefined, { id: 'f-1' }));
  await tell('stream finished', client.replyStream(frame, id, '答', true, [picture()]));
  await tell('stream finished again', client.replyStream(frame, id, '答', true));
  await tell('stream non-blocking', client.replyStreamNonBlocking(frame, generateReqId('stream'), '答', true));
  for (const card of cards()) {
    await tell(`card ${card.card_type}`, client.replyTemplateCard(frame, card, { id: 'f-2' }));
    await tell(`stream with ${card.card_type}`, client.replyStreamWithCard(frame, generateReqId('stream'), '答', true, { templateCard: card, streamFeedback: { id: 'f-3' } }));
    await tell(`push ${card.card_type}`, client.sendMessage(user, { msgtype: 'template_card', template_card: card }));
  }
  await tell('markdown', client.reply(frame, { msgtype: 'markdown', markdown: { content: '**答**', feedback: { id: 'f-4' } } }));
  await tell('push markdown', client.sendMessage(user, { msgtype: 'markdown', markdown: { content: '**答**' } }));
  for (const type of media) {
    const uploaded = await tell(`upload ${type}`, client.uploadMedia(Buffer.alloc(700_000, type), { type, filename: `${type}.bin` }));
    await tell(`reply ${type}`, client.replyMedia(frame, type, uploaded.media_id, { title: '题', description: '述' }));
    await tell(`push ${type}`, client.sendMediaMessage(user, type, uploaded.media_id, { title: '题', description: '述' }));
  }
  const long = '长'.repeat(6827); // 20,481 bytes
  await tell('too long stream', client.replyStream(frame, generateReqId('stream'), long, true));
  await tell('too long markdown', client.reply(frame, { msgtype: 'markdown', markdown: { content: long } }));
  await tell('too long push', client.sendMessage(user, { msgtype: 'markdown', markdown: { content: long } }));
  await tell('text for a reply', client.reply(frame, { msgtype: 'text', text: { content: '答' } }));
  await tell('stream for a push', client.sendMessage(user, { msgtype: 'stream', stream: { id: 's', finish: true, content: '答' } }));
  await tell('other words after the end', client.replyStream(frame, id, '别的', true));
  await tell('unfinished after the end', client.replyStream(frame, id, '答', false));
  await tell('push to nobody', client.sendMessage('stranger', { msgtype: 'markdown', markdown: { content: '答' } }));
  await tell('no such media', client.replyMedia(frame, 'image', 'media-of-nobody'));
  await tell('picture before the end', client.reply(frame, { msgtype: 'stream', stream: { id: generateReqId('stream'), finish: false, content: '答', msg_item: [picture()] } }));
  await tell('stream for an unknown request', client.replyStream({ headers: { req_id: 'of-nobody' } }, generateReqId('stream'), '答', true));
  await tell('long feedback id', client.replyStream(frame, generateReqId('stream'), '答', true, undefined, { id: 'f'.repeat(257) }));
  say('done');
}

client.on('authenticated', () => say('authenticated'));
client.on('error', (error) => say(`error ${error.message}`));
client.on('message.text', everything);
for (const type of ['image', 'mixed', 'voice', 'file', 'video']) {
  client.on(`message.${type}`, (frame) => say(`read ${frame.body.msgtype}`));
}
client.on('event.enter_chat', async (frame) => {
  await tell('stream for an event', client.replyStream(frame, generateReqId('stream'), '答', true));
  await tell('welcome', client.replyWelcome(frame, { msgtype: 'text', text: { content: '欢迎' } }));
  await tell('welcome card', client.replyWelcome(frame, { msgtype: 'template_card', template_card: cards()[0] }));
  await tell('welcome in Markdown', client.replyWelcome(frame, { msgtype: 'markdown', markdown: { content: '欢迎' } }));
});
client.on('event.template_card_event', async (frame) => {
  await tell('update', client.updateTemplateCard(frame, { ...cards()[2], task_id: frame.body.event.template_card_event.task_id }, [frame.body.from.userid]));
  await tell('welcome for a button', client.replyWelcome(frame, { msgtype: 'text', text: { content: '欢迎' } }));
});
client.on('event.feedback_event', (frame) => say(`read ${frame.body.event.eventtype}`));
client.connect();
process.stdin.on('end', () => { client.disconnect(); process.exit(0); }).resume();
