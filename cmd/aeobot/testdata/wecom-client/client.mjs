// An independent WeCom platform in miniature: signs and encrypts with the
// platform's own package, so that our codec is not checked against itself.
// Reads one request a line on standard input, writes one result a line.
import crypto from "@wecom/crypto"; // CommonJS inside, hence the default import
import { createInterface } from "node:readline";

const { decrypt, encrypt, getSignature } = crypto;

function query(r, ciphertext, extra = {}) {
  const signature = r.signature ?? getSignature(r.token, r.timestamp, r.nonce, ciphertext);
  return new URLSearchParams({ msg_signature: signature, timestamp: r.timestamp, nonce: r.nonce, ...extra });
}

// The console's Save button: GET with echostr, the plaintext must come back bare.
async function check(r) {
  const echostr = encrypt(r.key, r.message, r.receiveid);
  const answer = await fetch(`${r.url}?${query(r, echostr, { echostr })}`);
  return { status: answer.status, body: await answer.text() };
}

function tag(xml, name) {
  const match = xml.match(new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`, "s"));
  return match ? match[1] : "";
}

function sealed(product, body) {
  if (product === "aibot") {
    const reply = JSON.parse(body);
    return { encrypt: reply.encrypt, signature: reply.msgsignature, timestamp: reply.timestamp, nonce: reply.nonce };
  }
  return {
    encrypt: tag(body, "Encrypt"), signature: tag(body, "MsgSignature"),
    timestamp: tag(body, "TimeStamp"), nonce: tag(body, "Nonce"),
  };
}

// A message: POST, then open the reply with the same package.
async function send(r) {
  const ciphertext = encrypt(r.key, r.message, r.receiveid);
  const body = r.product === "aibot"
    ? JSON.stringify({ encrypt: ciphertext })
    : `<xml><ToUserName><![CDATA[${r.receiveid}]]></ToUserName><AgentID><![CDATA[1000017]]></AgentID><Encrypt><![CDATA[${ciphertext}]]></Encrypt></xml>`;
  const answer = await fetch(`${r.url}?${query(r, ciphertext)}`, { method: "POST", body });
  const text = await answer.text();
  if (answer.status !== 200 || text === "") {
    return { status: answer.status, body: text };
  }
  const reply = sealed(r.product, text);
  const opened = decrypt(r.key, reply.encrypt);
  return {
    status: answer.status,
    message: opened.message,
    receiveid: opened.id,
    nonce: String(reply.nonce),
    timestamp_type: typeof reply.timestamp,
    signature_ok: reply.signature === getSignature(r.token, String(reply.timestamp), String(reply.nonce), reply.encrypt),
  };
}

const operations = { check, send };
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let result;
  try {
    result = await operations[request.op](request);
  } catch (error) {
    result = { error: String(error.cause ?? error) };
  }
  process.stdout.write(JSON.stringify(result) + "\n");
}
