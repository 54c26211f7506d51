/* Xiaoer (店小二) web chat. <script src="https://shop.example/widget.js" defer></script>
   Options: data-lang="zh|en|auto" data-title data-color data-open. Fills #xiaoer-chat if there is one. */
(() => {
const script = document.currentScript;
if (!script || window.Xiaoer) return;
const option = script.dataset;
const server = new URL('chat/ws', script.src);
const files = server.href;
server.protocol = server.protocol.replace('http', 'ws');
const zh = (/^(zh|en)/.test(option.lang) ? option.lang : navigator.language || '').startsWith('zh');
const T = zh ? {
  bot: '店小二', agent: '客服', customer: '我', system: '',
  open: '打开聊天', close: '关闭聊天', unread: '条未读',
  hint: '想问点什么？', send: '发送', intro: '客官您好，有事尽管吩咐！',
  connecting: '正在连接…', opening: '马上就好，消息会自动发出', online: '在线 · 随叫随到',
  sending: '发送中…', sent: '已发送', edit: '改一改再发',
  too_long: '这段话太长了，请分几段发。',
  rate_limited: '发得有点快，稍后自动重发。',
  bad_request: '这条没能发出去。', file: '文件', typing: '客服正在输入…',
} : {
  bot: 'Xiaoer', agent: 'Agent', customer: 'You', system: '',
  open: 'Open chat', close: 'Close chat', unread: 'unread',
  hint: 'Ask us anything…', send: 'Send', intro: 'Hello! What can we do for you?',
  connecting: 'Connecting…', opening: 'Just opening: we will send it', online: 'Online · here to help',
  sending: 'Sending…', sent: 'Sent', edit: 'Edit and resend',
  too_long: 'A little too long: please send it in parts.',
  rate_limited: 'That was quick! It will be sent again shortly.',
  bad_request: 'This was not sent.', file: 'File', typing: 'An agent is writing…',
};

const STYLE = `
:host{display:block;--a:var(--xiaoer,#12655f);--i:#fff;--r:#b53a22;--b:#faf6ee;--c:#fff;--t:#2a2621;--s:#6d655a;
--l:#0d5a55}
:where(.panel,.launch){all:initial}
.panel,.launch{color:var(--t);font:15px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
@supports(color:oklch(from red l c h)){:host{--i:oklch(from var(--a) clamp(.2,(.68 - l)*99,1) 0 0)}}
*{box-sizing:border-box;margin:0}
[hidden]{display:none!important}
button,textarea{font:inherit;color:inherit;border:0;background:none}
button{cursor:pointer;padding:8px;border-radius:30px}
:focus-visible{outline:3px solid var(--l);outline-offset:2px}
svg{width:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;display:block}
.launch,.float{position:fixed;right:20px;bottom:20px;z-index:2147483000;box-shadow:0 8px 30px #0005}
.launch{padding:16px}
.launch svg{width:28px}
.launch,header,.go,.customer .text{background:var(--a);color:var(--i)}
.badge{position:absolute;top:-3px;right:-3px;padding:0 7px;border-radius:11px;background:#b53a22;color:#fff;font-size:13px}
.panel{display:flex;flex-direction:column;background:var(--b);height:100%;overflow:hidden}
.float{width:384px;height:min(640px,100vh - 40px);border-radius:18px}
@keyframes rise{from{opacity:0;transform:translateY(12px)}}
header{display:flex;align-items:center;gap:12px;padding:12px 16px}
header div{flex:1;min-width:0}
header :focus-visible{outline-color:currentColor}
h2{font-size:17px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.who,.note,.system .text,[role=status]{font-size:13px}
[role=status]:before{content:"●";color:#f2b84b;margin-right:6px}
header :is(.online,.typing):before{color:#6fe0a8}
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:16px}
.log,textarea{outline-offset:-3px!important}
.log:empty:before{content:attr(data-intro);display:block;text-align:center;padding:30% 24px}
.m{position:relative;display:flex;flex-direction:column;align-items:flex-start;margin-top:6px}
.customer{align-items:flex-end}
.system{align-items:center}
.log:empty,.who,.note,.system .text{color:var(--s)}
.who,.note{padding:4px}
.agent .who,.failed .note{color:var(--r)}
.customer .who,.bot+.bot .who,.agent+.agent .who{position:absolute;clip-path:inset(50%)}
.text{max-width:84%;padding:9px 14px;border-radius:5px 16px 16px;background:var(--c);white-space:pre-wrap}
.customer .text{border-radius:16px 5px 16px 16px}
.system .text{background:none;text-align:center}
a{color:inherit}
.file{max-width:84%;margin:2px 0;padding:9px 14px;border-radius:16px;background:var(--c)}
.file:has(img){padding:0}
img{display:block;max-width:100%;max-height:320px;border-radius:16px}
.pending .text{opacity:.75}
.note button{text-decoration:underline;padding:0 4px}
.choices{display:flex;flex-wrap:wrap;gap:8px;margin-top:10px}
.m:has(~.m:not(.customer)) .choices,.sent:not(:last-child) .note{display:none}
.choices button{border:1.5px solid;color:var(--l);background:var(--c);padding:6px 14px;text-align:start}
form{display:flex;align-items:flex-end;gap:8px;padding:10px 12px max(10px,env(safe-area-inset-bottom));background:var(--c)}
textarea{flex:1;min-width:0;resize:none;border:1px solid var(--s);border-radius:21px;background:var(--b);padding:8px 14px;
font-size:16px;line-height:24px;height:43px}
::placeholder{color:var(--s);opacity:1}
.go{padding:10px}
@media(max-width:480px),(max-height:480px){.float{inset:var(--xtop,0) 0 auto;width:auto;height:var(--xtall,100%);border-radius:0}}
@media(prefers-color-scheme:dark){:host{--r:#f49a82;--b:#1b1917;--c:#2b2825;--t:#f1ebe1;--s:#b0a699;--l:#7fcfc4}}
@media(prefers-reduced-motion:no-preference){.float{animation:rise .2s}}`;

// Every node is made here; words only become text nodes.
function el(tag, className, props, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  for (const name in props) name in node ? node[name] = props[name] : node.setAttribute(name, props[name]);
  node.append(...children);
  return node;
}

function icon(d) {
  const [svg, path] = ['svg', 'path'].map((n) => document.createElementNS('http://www.w3.org/2000/svg', n));
  svg.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', d);
  svg.append(path);
  return svg;
}
// A speech bubble whose two lines are the character 二.
const MARK = 'M4 4h16v13h-8l-5 4v-4H4zM10 8h4M8 13h8';

function linked(text) {
  const parts = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(/https?:\/\/[^\s<>"'‘-”\u3000-\u303f\uff00-\uffef]+/gi)) {
    const href = found.replace(/[.,;:!?)\]}*]+$/, '');
    parts.push(text.slice(at, index), el('a', '', { href, target: '_blank', rel: 'noopener noreferrer' }, href));
    at = index + href.length;
  }
  return [...parts, text.slice(at)];
}

// Token, read (a seq) and outbox outlive the page.
const KEY = 'xiaoer:' + server.host + server.pathname;
let box;
try { box = localStorage; } catch { /* denied */ }
box ||= {};
const stored = () => ({ token: '', read: 0, outbox: [], ...JSON.parse(box[KEY] || '{}') });
function store(change) {
  try { box[KEY] = JSON.stringify({ ...stored(), ...change }); } catch { /* full */ }
}
// Tabs share the outbox, so each changes single entries.
function keep(id, ...entry) {
  store({ outbox: [...stored().outbox.filter((e) => e.id !== id), ...entry] });
}

const paged = document.getElementById('xiaoer-chat');
const host = paged || el('xiaoer-chat', '');
const root = host.attachShadow({ mode: 'open' });
const badge = el('span', 'badge', { ariaHidden: 'true' });
const launch = el('button', 'launch', { onclick: () => toggle(true) }, icon(MARK), badge);
const state = el('div', '', { role: 'status' });
const log = el('div', 'log', { role: 'log', 'aria-live': 'polite', 'aria-labelledby': 'title', 'data-intro': T.intro, tabIndex: 0 });
const input = el('textarea', '', { placeholder: T.hint, 'aria-label': T.hint, enterKeyHint: 'send' });
const form = el('form', '', {}, input, el('button', 'go', { 'aria-label': T.send }, icon('M12 20V5M5 12l7-7 7 7')));
const panel = el('section', paged ? 'panel' : 'panel float', { role: paged ? '' : 'dialog', 'aria-labelledby': 'title' },
  el('header', '', {}, icon(MARK), el('div', '', {}, el('h2', '', { id: 'title' }, option.title || T.bot), state),
    el('button', '', { 'aria-label': T.close, hidden: !!paged, onclick: () => toggle(false) }, icon('M6 6l12 12m0-12L6 18'))),
  log, form);

const seen = new Map(); // seq -> bubble
const pending = new Map(); // id -> what has no ack yet
let last = 0; // the highest seq that arrived as a message
let opened, unread, token, socket, ready, connectTimer, resendTimer, held;
let attempts = 0;
let lull = 'connecting';
let theirs = 0; // the highest seq that is not the customer's own
let told = 0; // up to where the shop knows that it was read
let typedAt = 0;
let typingTimer;

function show(name) {
  state.className = name;
  state.textContent = T[name];
}

function count(n) {
  unread = n;
  badge.hidden = !n;
  badge.textContent = n;
  launch.setAttribute('aria-label', T.open + (n ? `, ${n} ${T.unread}` : ''));
}

function read() {
  if (opened && last > stored().read) store({ read: last });
  if (!opened || !ready || document.hidden || theirs <= told) return;
  told = theirs;
  socket.send(JSON.stringify({ type: 'read', seq: told }));
}

function toggle(open, quiet) {
  opened = open || !!paged;
  panel.hidden = !opened;
  launch.hidden = opened;
  if (opened) {
    count(0);
    read();
    if (!socket) connect();
  }
  if (!quiet) (opened ? input : launch).focus();
}

// A picture that does not come is a link, as any other file.
function file({ kind, name, size, url }) {
  const href = new URL(url, files).href;
  const link = el('a', 'file', { href, target: '_blank', rel: 'noopener noreferrer' });
  const onerror = () => link.replaceChildren('📎 ' + (name || T.file) + (size ? ` (${(size / 1e6).toFixed(2)} MB)` : ''));
  kind === 'photo' ? link.append(el('img', '', { src: href, alt: name || T.file, onload: end, onerror })) : onerror();
  return link;
}

function bubble(from, text, choices, attachments = []) {
  const words = !attachments.length || /[\p{L}\p{N}]/u.test(text); // else a sign for the file
  return el('div', 'm ' + from, {}, el('span', 'who', {}, T[from]), ...attachments.map(file),
    ...words ? [el('div', 'text', { dir: 'auto' }, ...linked(text))] : [],
    ...choices?.length ? [el('div', 'choices', {}, ...choices.map(({ label, value }) =>
      el('button', '', { onclick() { this.parentNode.remove(); log.focus(); submit(label, value); } }, label)))] : []);
}

let stick = true; // the reader is at the end
log.onscroll = () => { stick = log.scrollHeight - log.scrollTop - log.clientHeight < 99; };
const end = () => { if (stick) log.scrollTop = 1e9; };
new ResizeObserver(end).observe(log);

// In the order of seq; what has none yet is last.
function place(node, seq) {
  stick ||= seq === Infinity;
  let next = null;
  for (let n = log.lastChild; n && (n === node || n.seq > seq); n = n.previousSibling) if (n !== node) next = n;
  node.seq = seq;
  if (!node.isConnected || node.nextSibling !== next) log.insertBefore(node, next);
  if (seq < Infinity) seen.set(seq, node);
  end();
}

function mark({ node }, name, ...more) {
  node.className = 'm customer ' + name;
  node.querySelector('.note')?.remove();
  node.append(el('div', 'note', {}, ...more));
  end();
}

function queue(entry) {
  entry.node = bubble('customer', entry.text);
  place(entry.node, Infinity);
  pending.set(entry.id, entry);
  entry.failed ? fail(entry, entry.failed) : mark(entry, 'pending', T.sending);
}

function submit(text, value) {
  const id = crypto.randomUUID?.() || crypto.getRandomValues(new Uint32Array(4)).join('-'); // plain http
  const entry = { id, text, value };
  keep(id, entry);
  queue(entry);
  send(entry);
}

// A refused message stays until its writer takes it back.
function fail(entry, code) {
  const { id, text, value, node } = entry;
  entry.failed = code;
  keep(id, { id, text, value, failed: code });
  mark(entry, 'failed', T[code], el('button', '', { onclick() {
    pending.delete(id);
    keep(id);
    node.remove();
    input.value = text + (input.value && '\n' + input.value);
    grow();
    input.focus();
  } }, T.edit));
}

function send(entry) {
  if (!ready || entry.failed || held && (resendTimer || held !== entry)) return;
  const { id, text, value } = entry;
  socket.send(JSON.stringify(value === undefined ? { type: 'message', id, text } : { type: 'choice', id, value }));
  clearTimeout(entry.timer);
  entry.timer = setTimeout(connect, 15000); // a dead socket may never say so
}

function resend(timer) {
  clearTimeout(resendTimer);
  resendTimer = timer;
  pending.forEach(send);
}

function connect() {
  clearTimeout(connectTimer);
  pending.forEach((entry) => clearTimeout(entry.timer));
  if (socket) {
    socket.onclose = socket.onmessage = null;
    socket.close();
  }
  ready = false;
  show(lull);
  token ||= stored().token;
  server.search = new URLSearchParams({ session: token, after: last, lang: zh ? 'zh' : 'en' });
  socket = new WebSocket(server);
  socket.onclose = ({ code }) => {
    ready = false;
    show(lull = code === 1013 ? 'opening' : 'connecting');
    // at random: a new server must not meet all at once
    connectTimer = setTimeout(connect, 1000 + Math.random() * Math.min(29000, 1000 * 2 ** attempts++));
  };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    receive[frame.type]?.(frame);
  };
}

const receive = {
  hello({ session, seq }) {
    if (session !== token || seq < last) {
      const tail = last; // of what is gone, or in no backup
      token = session;
      last = 0;
      store({ token, read: 0 });
      seen.forEach((node) => node.remove());
      seen.clear();
      if (tail) return connect();
    }
    attempts = 0;
    ready = true;
    told = theirs;
    show('online');
    log.ariaBusy = 'true'; // history is not read aloud
    setTimeout(() => { log.ariaBusy = 'false'; }, 999);
    resend();
  },
  message({ seq, from, text, choices, attachments }) {
    last = Math.max(last, seq);
    if (from !== 'customer') theirs = Math.max(theirs, seq);
    if (from === 'agent') typing(false);
    read();
    if (seen.has(seq)) return;
    place(bubble(from, text, choices, attachments), seq);
    if (!opened && from !== 'customer' && seq > stored().read) count(unread + 1);
  },
  typing: () => typing(true),
  ack({ id, seq }) {
    const entry = pending.get(id);
    if (!entry) return;
    lull = 'connecting';
    clearTimeout(entry.timer);
    pending.delete(id);
    keep(id);
    seen.get(seq)?.remove(); // may come before their ack
    place(entry.node, seq);
    mark(entry, 'sent', T.sent);
    if (held === entry) resend(held = 0);
  },
  error({ id, code, retry_after: busy }) {
    const entry = pending.get(id);
    if (!entry) return;
    clearTimeout(entry.timer);
    if (code !== 'rate_limited') return fail(entry, code === 'too_long' ? code : 'bad_request');
    held ||= entry; // none overtakes it
    mark(entry, 'pending', T[busy ? 'sending' : code]);
    resend(setTimeout(resend, (busy || 5) * 1000 * (1 + Math.random())));
  },
};

function typing(on) {
  clearTimeout(typingTimer);
  if (on) typingTimer = setTimeout(typing, 6000);
  if (ready) show(on ? 'typing' : 'online');
}

function grow() {
  input.style.height = '';
  input.style.height = Math.min(input.scrollHeight + 3, 130) + 'px';
}

form.onsubmit = (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  input.value = '';
  grow();
  submit(text);
  input.focus();
};
input.oninput = () => {
  grow();
  if (!ready || Date.now() - typedAt < 3000 || !input.value) return;
  typedAt = Date.now();
  socket.send('{"type":"typing"}');
};
input.onkeydown = (event) => { // 229: Safari ends a composition before the Enter that confirmed it
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) form.onsubmit(event);
};
panel.onkeydown = (event) => { if (event.key === 'Escape' && !event.isComposing) toggle(false); };
for (const name of ['online', 'visibilitychange']) addEventListener(name, () => {
  if (socket && !ready) connect();
  else read();
});

try {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
} catch { root.append(el('style', '', {}, STYLE)); } // browsers before 2023
host.lang = zh ? 'zh-CN' : 'en';
const style = (name, value) => host.style.setProperty(name, value);
if (option.color) style('--xiaoer', option.color);
const view = window.visualViewport;
if (view) view.onresize = view.onscroll = () => { // a phone's keyboard must not cover the composer
  style('--xtall', view.height + 'px');
  style('--xtop', view.offsetTop + 'px');
};
root.append(panel, launch);
if (!paged) document.body.append(host);
count(0);
stored().outbox.forEach(queue);
toggle('open' in option, true);
// Who never opened the chat costs nothing.
if (!socket && stored().token) connect();
if (paged && matchMedia('(pointer:fine)').matches) input.focus();
window.Xiaoer = { toggle };
})();
