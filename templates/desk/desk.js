/* The desk in the browser: keeps what an agent writes until it is stored, and helps the hands. */
(() => {
'use strict';
const { agent, token, texts } = window.xiaoerDesk;
const DRAFTS = `xiaoer-desk-${agent}`, SOUND = 'xiaoer-desk-sound';
const RETRY_MS = 2000, PATIENCE_MS = 10000, GIVE_UP_MS = 5 * 60000, LOST_MS = 1500, NEAR_PX = 60;

const find = (selector) => document.querySelector(selector);
const field = () => find('.d-write textarea');
const isTouch = () => matchMedia('(pointer: coarse)').matches;
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))]
  .map((byte) => byte.toString(16).padStart(2, '0')).join('');

/* Drafts: {words, note, sending: {id, text, note, at} or null} by conversation. They outlive a
   reload, a change of language and a new login, and end with the tab. */
let drafts = {};
try { drafts = JSON.parse(sessionStorage.getItem(DRAFTS)) || {}; } catch { /* a new beginning */ }
let opened = 0;
const under_way = new Set(), once_more = new Set(), asked = new Map(), told = new Map();
const draftOf = (id) => drafts[id] ??= { words: '', note: false, sending: null };

function keep() {
  for (const [id, draft] of Object.entries(drafts)) {
    if (!draft.words && !draft.sending && Number(id) !== opened) delete drafts[id];
  }
  try { sessionStorage.setItem(DRAFTS, JSON.stringify(drafts)); } catch { /* full or forbidden */ }
}

/* What is on its way stays in the box, in front of what is written meanwhile. */
const isOnItsWay = ({ words, note, sending }) => Boolean(sending) && sending.note === note && words.startsWith(sending.text);

async function send(id) {
  const draft = draftOf(id);
  if (under_way.has(id) || !draft.words.trim()) return;
  if (!isOnItsWay(draft)) draft.sending = { id: newId(), text: draft.words, note: draft.note, at: Date.now() };
  const { sending } = draft;
  const sure = Date.now() - (asked.get(id) || 0) < PATIENCE_MS;
  under_way.add(id);
  keep();
  const answer = await post({ conversation: id, id: sending.id, text: sending.text, note: sending.note, sure, token });
  if (id === opened && composing) await composed();
  under_way.delete(id);
  if (answer.status === 200) arrived(id, draft, sending);
  else if (answer.status === 401) location.assign('/desk/login?next=' + encodeURIComponent(location.pathname + location.search));
  else if (answer.status >= 400 && answer.status < 500) refused(id, draft, answer);
  else told.set(id, texts.kept);
  keep();
  draw();
  if (once_more.delete(id) && answer.status === 200) send(id);
}

/* Status 0 is no answer; a redirect leads to the login. */
async function post(body) {
  try {
    const answer = await fetch('/desk/say', {
      method: 'POST', redirect: 'manual', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.type === 'opaqueredirect') return { status: 401 };
    return { ...await answer.json(), status: answer.status };
  } catch { return { status: 0 }; }
}

function arrived(id, draft, sending) {
  if (draft.words.startsWith(sending.text)) draft.words = draft.words.slice(sending.text.length).trimStart();
  draft.sending = null;
  if (!draft.words) draft.note = false;
  asked.delete(id);
  told.delete(id);
  if (id === opened) toNewest(true);
}

function refused(id, draft, answer) {
  draft.sending = null;
  once_more.delete(id);
  told.set(id, typeof answer.detail === 'string' ? answer.detail : texts.not_sent);
  if (answer.sure) asked.set(id, Date.now());
}

/* What found no connection goes out by itself for some minutes; later the agent decides. */
function retry() {
  for (const [key, draft] of Object.entries(drafts)) {
    const id = Number(key), sending = draft.sending;
    if (!sending || under_way.has(id)) continue;
    const isStale = Date.now() - sending.at > GIVE_UP_MS;
    if (!isOnItsWay(draft)) { draft.sending = null; told.delete(id); }
    else if (!isStale) send(id);
    else told.set(id, texts.not_sent);
    if (id === opened) draw();
  }
}
setInterval(retry, RETRY_MS);

function press() {
  if (!opened) return;
  const draft = draftOf(opened);
  told.delete(opened);
  if (isOnItsWay(draft) && draft.words.slice(draft.sending.text.length).trim()) once_more.add(opened);
  if (under_way.has(opened)) {
    if (once_more.has(opened)) field().setRangeText('\n', field().selectionStart, field().selectionEnd, 'end');
    typed();
  } else send(opened);
  draw();
}

function typed() {
  draftOf(opened).words = field().value;
  keep();
  grow();
}

function setMode(isNote) {
  draftOf(opened).note = isNote;
  keep();
  draw();
  focusField();
}

let wasNotesOnly = false;
function draw() {
  const composer = find('.d-composer');
  if (!composer || !opened) return;
  const draft = draftOf(opened), notesOnly = composer.dataset.notes === 'only';
  if (notesOnly) draft.note = true;
  else if (wasNotesOnly && !draft.words) draft.note = false;
  wasNotesOnly = notesOnly;
  composer.dataset.mode = draft.note ? 'note' : 'reply';
  for (const button of composer.querySelectorAll('[data-to]')) {
    button.setAttribute('aria-pressed', String((button.dataset.to === 'note') === draft.note));
    button.disabled = notesOnly && button.dataset.to === 'reply';
  }
  const box = field(), label = draft.note ? texts.note_placeholder : texts.reply_placeholder;
  box.placeholder = label;
  box.setAttribute('aria-label', label);
  if (!composing && box.value !== draft.words) box.value = draft.words;
  find('.d-status').textContent = told.get(opened) || '';
  grow();
}

function grow() {
  const box = field();
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight}px`;
}

/* Input methods: what is being composed must not be touched. */
let composing = false;
addEventListener('compositionstart', () => { composing = true; });
addEventListener('compositionend', () => { composing = false; });
const composed = () => new Promise((done) => addEventListener('compositionend', () => setTimeout(done), { once: true }));

/* The newest message stays in view, unless the agent reads further up. */
let follows = false;
function toNewest(stay = false) {
  follows = stay;
  const scroll = find('.d-scroll');
  if (scroll) scroll.scrollTop = 0;
  setNewer(false);
}
function setNewer(isShown) {
  const pill = find('.d-newer');
  if (pill) pill.hidden = !isShown;
}
function grew() {
  if (follows || find('.d-scroll').scrollTop > -NEAR_PX) toNewest();
  else setNewer(true);
}

function focusField() { if (!isTouch()) field()?.focus(); }
function focusRow(id) { (find(`.d-row[data-id="${id}"]`) || find('.d-row'))?.focus(); }

/* What the server changed on the page. */
let isLeaving = false, news = null;
function look(changes) {
  const composer = find('.d-composer');
  if (!composer) return;
  const before = opened;
  opened = Number(composer.dataset.conversation) || 0;
  if (before !== opened) {
    document.body.removeAttribute('data-card');
    toNewest();
    keep();
    draw();
    if (opened) focusField();
    else if (isLeaving) focusRow(before);
    isLeaving = false;
  } else {
    if (changes.some((one) => one.attributeName === 'data-notes')) draw();
    if (changes.some((one) => one.addedNodes.length && one.target.matches?.('.d-bubbles'))) grew();
  }
  hear(Number(find('.d-desk').dataset.news) || 0);
  watchConnection();
}
new MutationObserver(look).observe(document.documentElement, {
  subtree: true, childList: true,
  attributeFilter: ['data-conversation', 'data-notes', 'data-news', 'aria-hidden'],
});

/* The bell. */
let audio = null;
const hasSound = () => localStorage.getItem(SOUND) === 'on';
function showSound() { find('.d-sound')?.setAttribute('aria-pressed', String(hasSound())); }
function hear(newest) {
  if (news === null) showSound();
  else if (newest > news && document.hidden && hasSound()) ring();
  news = Math.max(news ?? 0, newest);
}
function unlock() {
  if (!hasSound()) return;
  audio ??= new AudioContext();
  audio.resume();
}
function ring() {
  unlock();
  for (const [after, pitch] of [[0, 660], [0.16, 880]]) {
    const tone = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + after;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.08, at);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.4);
  }
}
function switchSound() {
  localStorage.setItem(SOUND, hasSound() ? 'off' : 'on');
  showSound();
  if (hasSound()) ring();
}

/* A lost connection is told quietly. NiceGUI would reload the page when reconnecting times out,
   and without a network that shows an empty page; socket.io tries again by itself. */
let lostTimer = 0;
function watchConnection() {
  const isLost = !navigator.onLine || find('#popup')?.getAttribute('aria-hidden') === 'false';
  if (!isLost) {
    clearTimeout(lostTimer);
    lostTimer = 0;
    document.body.removeAttribute('data-lost');
  } else lostTimer ||= setTimeout(() => document.body.setAttribute('data-lost', ''), LOST_MS);
}
addEventListener('offline', watchConnection);
addEventListener('online', () => { watchConnection(); retry(); });
const connecting = setInterval(() => {
  if (!window.socket?.connected) return;
  clearInterval(connecting);
  window.socket.off('connect_error');
  window.socket.on('connect_error', (error) => { if (/handshake/.test(error.message)) location.reload(); });
}, 200);
addEventListener('popstate', () => emitEvent('desk-at', location.search));

/* Hands. */
function step(by) {
  const rows = [...document.querySelectorAll('.d-row')].filter((row) => row.checkVisibility());
  const at = rows.findIndex((row) => row.getAttribute('aria-current') === 'true');
  rows[at < 0 ? 0 : at + by]?.click();
}
function leave() {
  if (document.body.hasAttribute('data-card')) return document.body.removeAttribute('data-card');
  if (!find('.d-thread')?.checkVisibility()) return;
  isLeaving = true;
  find('.d-back').click();
}
const clicks = {
  '.d-send': () => { press(); focusField(); },
  '.d-mode': (button) => setMode(button.dataset.to === 'note'),
  '.d-take': focusField,
  '.d-newer': () => toNewest(),
  '.d-toggle-card': () => document.body.toggleAttribute('data-card'),
  '.d-sound': switchSound,
  '.d-skip': () => (field()?.checkVisibility() ? field() : find('.d-middle')).focus(),
};
document.addEventListener('click', (event) => {
  unlock();
  for (const [selector, act] of Object.entries(clicks)) {
    const target = event.target.closest?.(selector);
    if (target) act(target);
  }
});
document.addEventListener('input', (event) => { if (event.target === field()) typed(); });
document.addEventListener('focusin', (event) => {
  if (event.target.closest('.d-composer')) document.body.removeAttribute('data-card');
});
document.addEventListener('scroll', (event) => {
  if (event.target.matches?.('.d-scroll') && event.target.scrollTop > -NEAR_PX) setNewer(false);
}, true);
document.addEventListener('keydown', (event) => {
  unlock();
  // Keys belong to the input method while it composes; 229 is what Safari reports then.
  if (event.isComposing || event.keyCode === 229) return;
  const { key } = event;
  if (key === 'Escape') leave();
  else if ((event.ctrlKey || event.altKey) && (key === 'ArrowDown' || key === 'ArrowUp')) {
    event.preventDefault();
    step(key === 'ArrowDown' ? 1 : -1);
  } else if (key === 'Enter' && event.target === field() && !event.shiftKey && !isTouch()) {
    event.preventDefault(); // touch screens have no Shift+Enter: there Enter makes a new line
    press();
  }
});
})();
