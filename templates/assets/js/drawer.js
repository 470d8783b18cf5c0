// The discussion beside the code. It is fetched when it is opened, and follows what happens while it is open; whether it
// is, and how wide, is remembered in this browser.
import { refresh } from './live.js';

const openName = 'talk-drawer';
const widthName = 'talk-drawer-width';
const least = 200;
const most = 800;
const step = 20;

export function startDrawer(enhance) {
  const drawer = document.querySelector('[data-drawer]');
  const toggle = document.querySelector('[data-drawer-toggle]');
  if (drawer === null || toggle === null) return;
  const parts = { drawer, toggle, body: drawer.querySelector('[data-drawer-body]'), enhance };
  toggle.hidden = false;
  toggle.addEventListener('click', () => (drawer.hidden ? open(parts) : close(parts)));
  drawer.querySelector('[data-drawer-close]').addEventListener('click', () => close(parts));
  addEventListener('keydown', (event) => {
    if (event.key === '.' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (drawer.hidden) open(parts, true);
      else close(parts);
    }
    if (event.key === 'Escape' && !drawer.hidden && drawer.contains(document.activeElement)) close(parts);
  });
  drawer.addEventListener('click', (event) => leadTo(event));
  drawer.addEventListener('submit', (event) => void say(event, parts));
  startGrip(drawer);
  // What lies over the whole page is not opened unasked.
  if (localStorage.getItem(openName) === 'open' && matchMedia('(min-width: 1101px)').matches) open(parts);
}

function open({ drawer, toggle, body, enhance }, takesFocus = false) {
  drawer.hidden = false;
  toggle.setAttribute('aria-expanded', 'true');
  localStorage.setItem(openName, 'open');
  body.dataset.live = drawer.dataset.topic;
  body.dataset.fragment = drawer.dataset.drawer;
  void fetchTalk(body, enhance);
  if (takesFocus) drawer.querySelector('[data-drawer-close]').focus();
}

function close({ drawer, toggle, body }) {
  const hadFocus = drawer.contains(document.activeElement);
  drawer.hidden = true;
  toggle.setAttribute('aria-expanded', 'false');
  localStorage.removeItem(openName);
  delete body.dataset.live;
  delete body.dataset.fragment;
  if (hadFocus) toggle.focus();
}

async function fetchTalk(body, enhance) {
  body.setAttribute('aria-busy', 'true');
  const hasCome = await refresh(body, enhance);
  body.removeAttribute('aria-busy');
  // What was shown before, and what is being written there, is worth more than a sentence.
  if (!hasCome && body.childElementCount === 0)
    body.textContent = 'The forge does not answer. The discussion appears when it is back.';
}

/** A thread that stands on this page is shown here; the others in the Discussion tab. */
function leadTo(event) {
  const name = event.target.closest('[data-drawer-thread]')?.dataset.drawerThread;
  const thread = name === undefined ? null : document.getElementById(name);
  if (thread === null) return;
  event.preventDefault();
  for (let box = thread.closest('details'); box !== null; box = box.parentElement.closest('details')) {
    box.open = true;
  }
  thread.scrollIntoView({ block: 'center' });
  history.replaceState(null, '', `#${name}`);
  thread.tabIndex = -1;
  thread.focus({ preventScroll: true });
}

async function say(event, { body, enhance }) {
  const form = event.target.closest('[data-drawer-form]');
  if (form === null) return;
  event.preventDefault();
  const note = form.querySelector('.form-error');
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const sent = new URLSearchParams(new FormData(form));
    const response = await fetch(form.action, { method: 'POST', body: sent, headers: { 'x-fragment': '1' } });
    note.hidden = response.ok;
    if (!response.ok) note.textContent = (await readProblem(response)) ?? 'It was not taken. Try again.';
    else {
      form.reset();
      await fetchTalk(body, enhance);
    }
  } catch {
    note.hidden = false;
    note.textContent = 'The forge does not answer. What you wrote is still here.';
  } finally {
    button.disabled = false;
  }
}

async function readProblem(response) {
  const text = await response.text();
  return new DOMParser().parseFromString(text, 'text/html').querySelector('main p')?.textContent;
}

/** Its left edge is drawn by the pointer, or moved by the arrow keys. */
function startGrip(drawer) {
  const grip = drawer.querySelector('[data-drawer-grip]');
  const setWidth = (wanted) => {
    const width = Math.min(most, Math.max(least, Math.round(wanted)));
    // Set on the box that it is for: on the whole page every line of code would be styled anew.
    drawer.style.setProperty('--talk-drawer-width', `${width}px`);
    grip.setAttribute('aria-valuenow', String(width));
    localStorage.setItem(widthName, String(width));
  };
  const kept = Number(localStorage.getItem(widthName));
  setWidth(kept > 0 ? kept : 360);
  grip.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    const right = drawer.getBoundingClientRect().right;
    const move = ({ clientX }) => setWidth(right - clientX);
    grip.addEventListener('pointermove', move);
    grip.addEventListener('lostpointercapture', () => grip.removeEventListener('pointermove', move), {
      once: true,
    });
  });
  grip.addEventListener('keydown', (event) => {
    const width = Number(grip.getAttribute('aria-valuenow'));
    const wanted = { ArrowLeft: width + step, ArrowRight: width - step, Home: least, End: most }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setWidth(wanted);
  });
}
