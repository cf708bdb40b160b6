// The platform's own AI bot SDK, connected to the gateway named by the arguments:
// it answers every text with its words, first unfinished, then finished, and welcomes
// who opens the chat. One line on standard output for each thing that happens.
import AiBot, { generateReqId } from '@wecom/aibot-node-sdk';

const [wsUrl, botId, secret] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = new AiBot.WSClient({ botId, secret, wsUrl, logger: quiet, heartbeatInterval: 200, maxReconnectAttempts: 0 });
const say = (line) => process.stdout.write(`${line}\n`);

client.on('authenticated', () => say('authenticated'));
client.on('event.disconnected_event', () => say('displaced'));
client.on('error', (error) => say(`error ${error.message}`));
client.on('message.text', async (frame) => {
  const id = generateReqId('stream');
  await client.replyStream(frame, id, '正在查找…', false);
  await client.replyStream(frame, id, `答：${frame.body.text.content}`, true);
  say('answered');
});
client.on('event.enter_chat', async (frame) => {
  await client.replyWelcome(frame, { msgtype: 'text', text: { content: '欢迎' } });
  say('welcomed');
});
client.connect();
process.stdin.on('end', () => { client.disconnect(); process.exit(0); }).resume();
