/* What helps the hands at the desk: ready answers, the FAQ's suggestions, emoji, deeds at a message,
   and the sheet of keys. */
(() => {
'use strict';
const desk = window.xiaoerDesk, { texts } = desk;
const FRESH_MS = 30000, LEAVE_MS = 300, TYPING_MS = 3000, GAP = 6;
const EMOJI = [...'😊🙏👍🌹🎁📦🚚✅⏰😅🎉💐👌🤝😔', '❤️'];

const find = (selector) => document.querySelector(selector);
const field = () => find('.d-write textarea');
const mayServe = () => !find('.d-watching');

function make(tag, classes, words = '') {
  const made = document.createElement(tag);
  made.className = classes;
  made.textContent = words;
  if (tag === 'button') made.type = 'button';
  return made;
}

async function ask(path) {
  try {
    const answer = await fetch(path, { redirect: 'manual', signal: AbortSignal.timeout(10000) });
    return answer.ok ? await answer.json() : null;
  } catch { return null; }
}

/* A list above the field: of ready answers, or of emoji. One is chosen at a time. */
const list = make('div', 'd-popup');
list.setAttribute('role', 'listbox');
let options = [], chosen = 0;

function open(made, isGrid) {
  options = made;
  chosen = 0;
  list.replaceChildren(...made.map((one) => one.element));
  list.classList.toggle('d-grid', isGrid);
  if (!made.length) return close();
  if (!list.isConnected) document.body.append(list);
  const at = find('.d-write').getBoundingClientRect();
  list.style.left = `${at.left}px`;
  list.style.width = isGrid ? 'auto' : `${at.width}px`;
  list.style.bottom = `${innerHeight - at.top + GAP}px`;
  mark();
}
function close() {
  list.remove();
  options = [];
}
function mark() {
  options.forEach((one, place) => one.element.setAttribute('aria-selected', String(place === chosen)));
  options[chosen]?.element.scrollIntoView({ block: 'nearest' });
}
function pick(place) {
  const { take } = options[place];
  close();
  take();
  field().focus();
}
const option = (element, take) => {
  element.setAttribute('role', 'option');
  element.addEventListener('click', () => pick(options.findIndex((one) => one.element === element)));
  return { element, take };
};

/* Ready answers: a slash at the beginning, and a part of the name or of the text. */
const known = new Map();
async function readyAnswers(id) {
  const kept = known.get(id);
  if (kept && Date.now() - kept.at < FRESH_MS) return kept.replies;
  const answer = await ask(`/desk/canned?c=${id}`);
  if (!answer) return kept?.replies ?? [];
  known.set(id, { at: Date.now(), replies: answer.replies });
  return answer.replies;
}
const wanted = () => {
  const words = field()?.value ?? '';
  return words.startsWith('/') && !words.includes('\n') && !desk.isNote() ? words.slice(1).toLowerCase() : null;
};
async function offer() {
  const id = desk.opened();
  if (wanted() === null) return list.classList.contains('d-grid') ? undefined : close();
  const replies = await readyAnswers(id), part = wanted();
  if (part === null || id !== desk.opened()) return close();
  const ranks = (one) => (one.name.startsWith(part) ? 0 : one.name.includes(part) ? 1 : one.text.toLowerCase().includes(part) ? 2 : 3);
  const found = replies.filter((one) => ranks(one) < 3).sort((a, b) => ranks(a) - ranks(b));
  open(found.map((one) => {
    const row = make('button', 'd-option');
    row.append(make('b', '', `/${one.name}`), make('span', '', one.text));
    const extra = [...one.tags.map((tag) => `#${tag}`), ...(one.resolves ? [texts.then_resolves] : [])].join(' ');
    if (extra) row.append(make('i', '', extra));
    return option(row, () => desk.insert(one.text, one.id));
  }), false);
}
function offerEmoji() {
  if (list.isConnected) return close();
  open(EMOJI.map((one) => option(make('button', 'd-emoji-one', one), () => desk.type(one))), true);
}

/* The FAQ's answers to what the customer asked last. */
let askedFor = '';
async function suggest() {
  const composer = find('.d-composer'), box = find('.d-hints');
  if (!composer || !box) return;
  const asked = `${composer.dataset.conversation}:${composer.dataset.asked}`;
  if (asked === askedFor) return;
  askedFor = asked;
  box.hidden = true;
  box.replaceChildren();
  if (composer.dataset.asked === '0' || !mayServe()) return;
  const answer = await ask(`/desk/suggest?c=${composer.dataset.conversation}`);
  if (asked !== askedFor || !answer?.suggestions.length) return;
  box.replaceChildren(make('span', 'd-small', texts.suggested), ...answer.suggestions.map((one) => {
    const chip = make('button', 'd-suggestion', one.title);
    chip.title = one.text;
    chip.addEventListener('click', () => { desk.insert(one.text, 0); field().focus(); });
    return chip;
  }));
  box.hidden = false;
}
new MutationObserver(suggest).observe(document.documentElement, {
  subtree: true, childList: true, attributeFilter: ['data-asked', 'data-conversation'],
});

/* What can be done with a message, beside it while the pointer is there or it was tapped. */
const bar = make('div', 'd-toolbar');
let leaving = 0;
function showDeeds(bubble) {
  clearTimeout(leaving);
  const deeds = (bubble.dataset.deeds || '').split(' ').filter(Boolean);
  if (!deeds.length || !mayServe()) return bar.remove();
  bar.replaceChildren(...deeds.map((deed) => {
    const button = make('button', 'd-button d-small-button', texts[`deed_${deed}`]);
    button.addEventListener('click', () => {
      emitEvent('desk-do', { deed, key: bubble.dataset.key });
      bar.remove();
    });
    return button;
  }));
  document.body.append(bar);
  const at = bubble.getBoundingClientRect(), is = bar.getBoundingClientRect();
  const isRight = bubble.matches('.d-agent, .d-bot');
  bar.style.top = `${Math.max(60, at.top - is.height + 14)}px`;
  bar.style.left = `${Math.max(8, isRight ? at.right - is.width : Math.min(at.right - 20, innerWidth - is.width - 8))}px`;
}
document.addEventListener('pointerover', (event) => {
  const bubble = event.target.closest?.('.d-bubble');
  if (bubble) showDeeds(bubble);
  else if (bar.contains(event.target)) clearTimeout(leaving);
  else if (bar.isConnected) {
    clearTimeout(leaving);
    leaving = setTimeout(() => bar.remove(), LEAVE_MS);
  }
});
document.addEventListener('scroll', () => bar.remove(), true);

/* The sheet of keys. */
const keys = [
  ['/', texts.key_canned], ['Enter', texts.key_send], ['Alt T', texts.key_take], ['Alt R', texts.key_resolve],
  ['Alt N', texts.key_note], ['Alt ↓ ↑', texts.key_next], ['Ctrl K', texts.key_search], ['Esc', texts.key_back], ['?', texts.key_help],
];
function showKeys() {
  const sheet = make('dialog', 'd-keys');
  const rows = make('dl', '');
  for (const [key, what] of keys) rows.append(make('dt', '', key), make('dd', '', what));
  sheet.append(make('h2', '', texts.keys_title), rows);
  sheet.addEventListener('click', () => sheet.close());
  sheet.addEventListener('close', () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}
const isWriting = (target) => target.closest?.('input, textarea, select, dialog');
const press = (selector) => [...document.querySelectorAll(selector)].find((one) => one.checkVisibility())?.click();
const hands = {
  KeyT: () => press('.d-thread .d-take'),
  KeyR: () => press('.d-thread .d-resolve'),
  KeyN: () => press('.d-mode[aria-pressed="false"]:not(:disabled)'),
};

/* Before the desk's own keys: an open list has Enter, the arrows and Escape for itself. */
addEventListener('keydown', (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  const { key } = event;
  if (list.isConnected) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) chosen = (chosen + step + options.length) % options.length;
    else if (key === 'Enter' || key === 'Tab') pick(chosen);
    else if (key === 'Escape') close();
    else return;
    mark();
  } else if (event.altKey && hands[event.code]) hands[event.code]();
  else if (key === '?' && !isWriting(event.target)) showKeys();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
let typedAt = 0, typedAs = '';
document.addEventListener('input', (event) => {
  if (event.target !== field()) return;
  offer();
  const mode = field().closest('.d-composer').dataset.mode;
  if (mode === typedAs && Date.now() - typedAt < TYPING_MS) return;
  [typedAt, typedAs] = [Date.now(), mode];
  emitEvent('desk-typing', { in: desk.opened(), note: mode === 'note' });
});
document.addEventListener('click', (event) => {
  if (event.target.closest('.d-emoji')) return offerEmoji();
  if (event.target.closest('.d-show-keys')) return showKeys();
  if (!list.contains(event.target) && event.target !== field()) close();
  const bubble = event.target.closest('.d-bubble');
  if (bubble) showDeeds(bubble);
});
})();
