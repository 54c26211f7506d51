// Encrypts and decrypts with other people's implementations: one JSON object a line, in and out.
'use strict';

const wecom = require('@wecom/crypto');
const WXBizMsgCrypt = require('wechat-crypto');

const peers = {
  '@wecom/crypto': {
    sign: (one, text) => wecom.getSignature(one.token, one.when, one.nonce, text),
    encrypt: (one) => wecom.encrypt(one.key, one.text, one.id),
    decrypt: (one) => wecom.decrypt(one.key, one.text),
  },
  'wechat-crypto': {
    sign: (one, text) => made(one).getSignature(one.when, one.nonce, text),
    encrypt: (one) => made(one).encrypt(one.text),
    decrypt: (one) => made(one).decrypt(one.text),
  },
};

function made(one) {
  return new WXBizMsgCrypt(one.token, one.key, one.id);
}

function answer(one) {
  const peer = peers[one.peer];
  if (one.work === 'decrypt') {
    const { message, id } = peer.decrypt(one);
    return { text: message, id, signature: peer.sign(one, one.text) };
  }
  const text = peer.encrypt(one);
  return { text, signature: peer.sign(one, text) };
}

let input = '';
process.stdin.on('data', (part) => { input += part; });
process.stdin.on('end', () => {
  for (const line of input.split('\n').filter(Boolean)) {
    console.log(JSON.stringify(answer(JSON.parse(line))));
  }
});
