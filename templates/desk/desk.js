/* The desk in the browser: keeps what an agent writes until it is stored, and helps the hands. */
(() => {
'use strict';
const { agent, token, texts, mostBytes } = window.xiaoerDesk;
const DRAFTS = `xiaoer-desk-${agent}`, SOUND = 'xiaoer-desk-sound';
const RETRY_MS = 2000, PATIENCE_MS = 10000, FILE_MS = 120000, GIVE_UP_MS = 5 * 60000, LOST_MS = 1500, NEAR_PX = 60;

const find = (selector) => document.querySelector(selector);
const field = () => find('.d-write textarea');
const isTouch = () => matchMedia('(pointer: coarse)').matches;
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))]
  .map((byte) => byte.toString(16).padStart(2, '0')).join('');

/* Drafts: {words, note, sending: {id, text, note, at} or null, held, forced} by conversation. They
   outlive a reload, a change of language and a new login, and end with the tab. `held`: a reply that
   a colleague came in front of; `forced`: a note only because nothing else could be written. */
let drafts = {};
try { drafts = JSON.parse(sessionStorage.getItem(DRAFTS)) || {}; } catch { /* a new beginning */ }
let opened = 0;
const under_way = new Set(), once_more = new Set(), asked = new Map(), told = new Map();
const draftOf = (id) => drafts[id] ??= { words: '', note: false, sending: null };

function keep() {
  for (const [id, draft] of Object.entries(drafts)) {
    const isKept = draft.words || draft.sending || draft.note && !draft.forced;
    if (!isKept && Number(id) !== opened) delete drafts[id];
  }
  try { sessionStorage.setItem(DRAFTS, JSON.stringify(drafts)); } catch { /* full or forbidden */ }
}

/* Files to go before the words, by conversation: {id, file, pressed: when it was to be sent, or 0}.
   They end with the page, for a browser keeps no file. */
const files = new Map();
const enclosed = (id) => files.get(id) || files.set(id, []).get(id);
const isPressed = (one) => one.pressed > 0;

/* What is on its way stays in the box, in front of what is written meanwhile. */
const isOnItsWay = ({ words, note, sending }) => Boolean(sending) && sending.note === note && words.startsWith(sending.text);

async function send(id) {
  if (under_way.has(id)) return;
  commit(id);
  await sendNext(id);
}

/* What there is now is to be sent. */
function commit(id) {
  const draft = draftOf(id), at = Date.now();
  if (draft.words.trim() && !isOnItsWay(draft)) draft.sending = { id: newId(), text: draft.words, note: draft.note, canned: draft.note ? 0 : draft.canned || 0, at };
  if (!draft.note) for (const one of enclosed(id)) one.pressed ||= at;
}

/* One request at a time, so that files and words arrive in their order. */
async function sendNext(id) {
  const draft = draftOf(id), { sending } = draft;
  const file = enclosed(id).find((one) => isPressed(one) && !(sending?.at < one.pressed));
  if (under_way.has(id) || !(file || sending)) return;
  const sure = Date.now() - (asked.get(id) || 0) < PATIENCE_MS;
  under_way.add(id);
  keep();
  draw();
  const answer = file
    ? await postFile({ conversation: id, id: file.id, name: file.file.name, sure }, file.file)
    : await post({ conversation: id, id: sending.id, text: sending.text, note: sending.note, canned: sending.canned || 0, sure, token });
  if (id === opened && composing) await composed();
  under_way.delete(id);
  if (answer.status === 200 && file) fileArrived(id, file);
  else if (answer.status === 200) arrived(id, draft, sending);
  else if (answer.status === 401) location.assign('/desk/login?next=' + encodeURIComponent(location.pathname + location.search));
  else if (answer.status >= 400 && answer.status < 500) refused(id, draft, answer);
  else told.set(id, texts.kept);
  keep();
  draw();
  if (answer.status === 200 && (file || !once_more.has(id))) await sendNext(id);
  else if (once_more.delete(id) && answer.status === 200) send(id);
}

const post = (body) => request('/desk/say', { 'Content-Type': 'application/json' }, JSON.stringify(body), PATIENCE_MS);
const postFile = (about, file) => request(
  '/desk/files?' + new URLSearchParams(about), { 'Content-Type': file.type || 'application/octet-stream', 'X-Desk-Token': token }, file, FILE_MS);

/* Status 0 is no answer; a redirect leads to the login. */
async function request(where, headers, body, patience) {
  try {
    const answer = await fetch(where, {
      method: 'POST', redirect: 'manual', headers, body, signal: AbortSignal.timeout(patience),
    });
    if (answer.type === 'opaqueredirect') return { status: 401 };
    return { ...await answer.json(), status: answer.status };
  } catch { return { status: 0 }; }
}

function arrived(id, draft, sending) {
  if (draft.words.startsWith(sending.text)) draft.words = draft.words.slice(sending.text.length).trimStart();
  draft.sending = null;
  draft.canned = 0;
  asked.delete(id);
  told.delete(id);
  if (id === opened) toNewest(true);
}

function fileArrived(id, file) {
  takeOut(id, file);
  asked.delete(id);
  told.delete(id);
  if (id === opened) toNewest(true);
}

function refused(id, draft, answer) {
  draft.sending = null;
  for (const one of enclosed(id)) one.pressed = 0;
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
    else if (!isStale) sendNext(id);
    else told.set(id, texts.not_sent);
    if (id === opened) draw();
  }
  for (const [id, waiting] of files) {
    if (under_way.has(id) || !waiting.some(isPressed)) continue;
    if (!waiting.some((one) => isPressed(one) && Date.now() - one.pressed > GIVE_UP_MS)) { sendNext(id); continue; }
    for (const one of waiting) one.pressed = 0;
    told.set(id, texts.not_sent);
    if (id === opened) draw();
  }
}
setInterval(retry, RETRY_MS);

function press() {
  if (!opened) return;
  const draft = draftOf(opened);
  if (draft.held) return;
  told.delete(opened);
  if (isOnItsWay(draft) && draft.words.slice(draft.sending.text.length).trim()) once_more.add(opened);
  if (under_way.has(opened)) {
    commit(opened);
    if (once_more.has(opened)) field().setRangeText('\n', field().selectionStart, field().selectionEnd, 'end');
    typed();
  } else send(opened);
  draw();
}

function typed() {
  const draft = draftOf(opened);
  draft.words = field().value;
  if (!draft.words) draft.canned = 0;
  keep();
  grow();
}

/* For `hints.js`. A ready answer takes the place of what asked for it, and comes after other words. */
function insert(words, canned) {
  const draft = draftOf(opened), before = draft.words.startsWith('/') ? '' : draft.words.trimEnd();
  draft.words = before ? `${before}\n${words}` : words;
  draft.canned = canned || draft.canned || 0;
  keep();
  draw();
}
function type(words) {
  field().setRangeText(words, field().selectionStart, field().selectionEnd, 'end');
  typed();
}
Object.assign(window.xiaoerDesk, { insert, type, opened: () => opened, isNote: () => Boolean(opened && draftOf(opened).note) });

/* Files come by the button, by paste and by drop; what is too large for us is not even sent. */
function enclose(list) {
  if (!opened || find('.d-composer').dataset.notes === 'only') return;
  const chosen = [...list], draft = draftOf(opened);
  if (draft.note && draft.words) { told.set(opened, texts.file_in_note); return draw(); }
  const fitting = chosen.filter((file) => file.size <= mostBytes);
  if (fitting.length) draft.note = false;
  for (const file of fitting) enclosed(opened).push({ id: newId(), file, pressed: 0, url: file.type.startsWith('image/') ? URL.createObjectURL(file) : '' });
  if (fitting.length < chosen.length) told.set(opened, texts.file_too_big);
  else told.delete(opened);
  keep();
  draw();
  focusField();
}
function takeOut(id, file) {
  files.set(id, enclosed(id).filter((one) => one !== file));
  if (file.url) URL.revokeObjectURL(file.url);
}
const node = (tag, name, props, ...inside) => {
  const made = Object.assign(document.createElement(tag), { className: name, ...props });
  made.append(...inside);
  return made;
};
const shownFiles = new WeakMap();
function chip(file) {
  if (!shownFiles.has(file)) {
    const away = node('button', 'd-away', { type: 'button', textContent: '✕', ariaLabel: `${texts.file_remove} ${file.file.name}` });
    away.onclick = () => { takeOut(opened, file); told.delete(opened); draw(); focusField(); };
    const picture = file.url ? [node('img', 'd-thumb', { src: file.url, alt: '' })] : [];
    shownFiles.set(file, node('span', 'd-chip', {}, ...picture, node('span', 'd-filename', { textContent: file.file.name }), away));
  }
  const made = shownFiles.get(file);
  made.classList.toggle('d-leaving', isPressed(file));
  made.querySelector('.d-away').disabled = isPressed(file);
  return made;
}
function drawFiles() {
  const place = find('.d-enclosed'), chips = enclosed(opened).map(chip);
  if (chips.length !== place.children.length || chips.some((one, at) => one !== place.children[at])) place.replaceChildren(...chips);
}

function setMode(isNote) {
  Object.assign(draftOf(opened), { note: isNote, held: false, forced: false });
  told.delete(opened);
  keep();
  draw();
  focusField();
}

/* In a colleague's conversation only notes can be written. A reply that was begun before stays one,
   and waits until the agent chooses: what was for the customer must not become a note by itself. */
function yieldTo(notesOnly, draft) {
  if (notesOnly && !draft.note && !draft.held) {
    if (draft.words || enclosed(opened).length) draft.held = true;
    else draft.note = draft.forced = true;
  } else if (!notesOnly) {
    if (draft.forced && !draft.words) draft.note = false;
    draft.held = draft.forced = false;
  }
}

function draw() {
  const composer = find('.d-composer');
  if (!composer || !opened) return;
  const draft = draftOf(opened), notesOnly = composer.dataset.notes === 'only';
  yieldTo(notesOnly, draft);
  composer.dataset.mode = draft.note ? 'note' : 'reply';
  for (const button of composer.querySelectorAll('[data-to]')) {
    button.setAttribute('aria-pressed', String((button.dataset.to === 'note') === draft.note));
    button.disabled = notesOnly && !draft.held && button.dataset.to === 'reply';
  }
  find('.d-send').disabled = Boolean(draft.held);
  const box = field(), label = draft.note ? texts.note_placeholder : texts.reply_placeholder;
  box.placeholder = label;
  box.setAttribute('aria-label', label);
  if (!composing && box.value !== draft.words) box.value = draft.words;
  find('.d-composer .d-status').textContent = told.get(opened) || (draft.held ? composer.dataset.held : '');
  drawFiles();
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
function focusRow(id) {
  const rows = [...document.querySelectorAll('.d-row')].filter((row) => row.checkVisibility());
  const same = rows.filter((row) => row.dataset.id === String(id));
  (same.find((row) => row.getAttribute('aria-current') === 'true') || same[0] || rows[0])?.focus();
}

/* The search: what is typed is looked for when the hands rest for a moment. */
const SEARCH_MS = 250;
let searchTimer = 0;
const searchField = () => find('.d-search input');
const isSearching = () => Boolean(find('.d-searching'));
function search(delay = 0) {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => {
    const told = { words: searchField().value };
    for (const wish of document.querySelectorAll('.d-wish')) told[wish.name] = wish.value;
    emitEvent('desk-search', told);
  }, delay);
}
function endSearch() {
  searchField().value = '';
  for (const wish of document.querySelectorAll('.d-wish')) wish.value = '';
  search();
}
/* What was found is brought into view as soon as it is on the page. */
let sought = '', soughtBefore = '';
function seek() {
  const wanted = find('.d-desk').dataset.target || '';
  if (wanted !== soughtBefore) sought = soughtBefore = wanted;
  const bubble = sought && find(`.d-bubble[data-key="${sought.split(' ')[0]}"]`);
  if (!bubble) return;
  sought = '';
  follows = false;
  bubble.scrollIntoView({ block: 'center' });
  bubble.animate([{ opacity: 0.3 }, { opacity: 1 }], 700);
  for (const other of document.querySelectorAll('.d-sought')) other.classList.remove('d-sought');
  bubble.classList.add('d-sought');
}

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
    if (changes.some((one) => ['data-notes', 'data-held'].includes(one.attributeName))) draw();
    if (changes.some((one) => one.addedNodes.length && one.target.matches?.('.d-bubbles'))) grew();
  }
  seek();
  hear(Number(find('.d-desk').dataset.news) || 0);
  watchConnection();
}
new MutationObserver(look).observe(document.documentElement, {
  subtree: true, childList: true,
  attributeFilter: ['data-conversation', 'data-notes', 'data-held', 'data-news', 'data-target', 'aria-hidden'],
});

/* The bell. */
let audio = null;
const hasSound = () => localStorage.getItem(SOUND) === 'on';
function showSound() { find('.d-sound')?.setAttribute('aria-pressed', String(hasSound())); }
function hear(newest) {
  if (news === null) showSound();
  else if (newest > news && document.hidden && hasSound()) {
    ring();
    if ('Notification' in window && Notification.permission === 'granted') new Notification(texts.news, { tag: 'xiaoer' }).onclick = () => window.focus();
  }
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
  if (!hasSound()) return;
  ring();
  if ('Notification' in window && Notification.permission === 'default') Notification.requestPermission();
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

/* What was typed into a page's long form and not saved is not left without a question. */
addEventListener('beforeunload', (event) => {
  const fields = [...document.querySelectorAll('.d-unsaved :is(input:not([type="checkbox"]), textarea)')];
  if (fields.some((one) => one.value !== one.defaultValue)) event.preventDefault();
});

/* Hands. */
function step(by) {
  const rows = [...document.querySelectorAll('.d-row')].filter((row) => row.checkVisibility());
  const at = rows.findIndex((row) => row.getAttribute('aria-current') === 'true');
  rows[at < 0 ? 0 : at + by]?.click();
}
/* Escape puts away what lies on top, and nothing else. */
function leave() {
  if (find('dialog[open]')) return; // the browser closes it
  if (find('.d-transfer')?.checkVisibility()) return putAway(find('.d-transfer .d-cancel'), '.d-to-transfer');
  if (document.body.hasAttribute('data-card')) return document.body.removeAttribute('data-card');
  const fold = document.activeElement.closest('.d-card .d-fold[open]');
  if (fold) { fold.open = false; return fold.querySelector('summary').focus(); }
  if (document.activeElement.closest('.d-card')) { document.activeElement.blur(); return focusField(); }
  if (document.activeElement === searchField() && searchField().value) return endSearch();
  if (!find('.d-thread')?.checkVisibility()) return isSearching() ? endSearch() : undefined;
  isLeaving = true;
  find('.d-back').click();
}
function putAway(button, opener) {
  button.click();
  find(opener).focus();
}
const clicks = {
  '.d-send': () => { press(); focusField(); },
  '.d-attach': () => find('.d-pick').click(),
  '.d-mode': (button) => setMode(button.dataset.to === 'note'),
  '.d-take': focusField,
  '.d-newer': () => toNewest(),
  '.d-toggle-card': () => document.body.toggleAttribute('data-card'),
  '.d-sound': switchSound,
  '.d-search-clear': () => { endSearch(); searchField().focus(); },
  '.d-skip': () => (field()?.checkVisibility() ? field() : find('.d-middle')).focus(),
};
document.addEventListener('click', (event) => {
  unlock();
  for (const menu of document.querySelectorAll('.d-menu[open]')) if (!menu.contains(event.target)) menu.open = false;
  for (const [selector, act] of Object.entries(clicks)) {
    const target = event.target.closest?.(selector);
    if (target) act(target);
  }
});
document.addEventListener('change', (event) => {
  if (!event.target.matches?.('.d-pick')) return;
  enclose(event.target.files);
  event.target.value = '';
});
document.addEventListener('paste', (event) => {
  if (!event.clipboardData?.files.length || !event.target.closest?.('.d-middle')) return;
  event.preventDefault();
  enclose(event.clipboardData.files);
});
/* A file that is dropped beside the composer must not take the place of the page. */
const carriesFiles = (event) => [...event.dataTransfer?.types || []].includes('Files');
document.addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  document.body.toggleAttribute('data-drop', Boolean(opened && event.target.closest?.('.d-middle')));
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) document.body.removeAttribute('data-drop'); });
document.addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  document.body.removeAttribute('data-drop');
  if (event.target.closest?.('.d-middle')) enclose(event.dataTransfer.files);
});
document.addEventListener('input', (event) => {
  if (event.target === field()) typed();
  else if (event.target === searchField() && !composing) search(SEARCH_MS);
  else if (event.target.matches?.('.d-wish')) search();
});
document.addEventListener('compositionend', (event) => { if (event.target === searchField()) search(SEARCH_MS); });
document.addEventListener('submit', (event) => {
  if (!event.target.matches('.d-search')) return;
  event.preventDefault();
  search();
});
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
  const menu = find('.d-menu[open]');
  if (key === 'Escape' && menu) menu.open = false;
  else if (key === 'Escape') leave();
  else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && key.toLowerCase() === 'k') {
    event.preventDefault();
    if (!searchField().checkVisibility()) leave();
    searchField().focus();
    searchField().select();
  } else if ((event.ctrlKey || event.altKey) && (key === 'ArrowDown' || key === 'ArrowUp')) {
    event.preventDefault();
    step(key === 'ArrowDown' ? 1 : -1);
  } else if (key === 'Enter' && event.target === field() && !event.shiftKey && !isTouch()) {
    event.preventDefault(); // touch screens have no Shift+Enter: there Enter makes a new line
    press();
  }
});
})();
