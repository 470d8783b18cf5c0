// Signing in, and adding a key, with the Nostr key that an extension of the browser holds (NIP-07, NIP-98). Extensions
// put `window.nostr` there when they are ready, which may be after the page is.
const lookEveryMs = 250;
const looks = 20;

/** Shows the boxes that need an extension once there is one. */
export function startNostr() {
  const boxes = [...document.querySelectorAll('[data-nostr]')];
  if (boxes.length === 0) return;
  for (const box of boxes) box.querySelector('button').addEventListener('click', () => run(box));
  let looked = 0;
  const look = () => {
    looked += 1;
    if (window.nostr !== undefined) for (const box of boxes) box.hidden = false;
    else if (looked < looks) setTimeout(look, lookEveryMs);
  };
  look();
}

async function run(box) {
  const button = box.querySelector('button');
  const status = box.querySelector('[role=status]');
  button.disabled = true;
  status.textContent = 'Waiting for the extension…';
  try {
    const { next } = await prove(box);
    status.textContent = 'Done.';
    location.assign(next ?? box.dataset.nostrThen);
  } catch (error) {
    status.textContent = error.message || 'The extension did not sign.';
    button.disabled = false;
  }
}

async function prove(box) {
  const path = box.dataset.nostr;
  const asked = await read(await fetch(`${path}/challenge`));
  // What is signed is good at the address it names: another address than this page's is not ours to sign for.
  if (new URL(asked.url).origin !== location.origin) {
    throw new Error(`This forge signs in at ${new URL(asked.url).origin}; open it there.`);
  }
  const event = await window.nostr.signEvent({
    kind: asked.kind,
    created_at: Math.floor(Date.now() / 1000),
    tags: [
      ['u', asked.url],
      ['method', asked.method],
      ['challenge', asked.challenge],
    ],
    content: '',
  });
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  const signed = { id, pubkey, created_at, kind, tags, content, sig };
  const token = box.dataset.formToken;
  const order = token === undefined ? { event: signed, for: 'browser' } : { event: signed };
  const headers = {
    'Content-Type': 'application/json',
    ...(token === undefined ? {} : { 'X-Form-Token': token }),
  };
  return read(await fetch(path, { method: 'POST', headers, body: JSON.stringify(order) }));
}

async function read(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? `The forge answered ${response.status}.`);
  return answer;
}
