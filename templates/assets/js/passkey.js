// Passkeys (Web Authentication): signing in with one, showing one as a second factor, and adding one to the account.

/** Shows the boxes that need passkeys where the browser has them. */
export function startPasskeys() {
  if (window.PublicKeyCredential?.parseRequestOptionsFromJSON === undefined) return;
  for (const box of document.querySelectorAll('[data-passkey]')) {
    box.hidden = false;
    box.querySelector('button').addEventListener('click', () => run(box));
  }
}

async function run(box) {
  const button = box.querySelector('button');
  const status = box.querySelector('[role=status]');
  button.disabled = true;
  status.textContent = 'Waiting for the passkey…';
  try {
    await prove(box);
    status.textContent = 'Done.';
    goTo(box.dataset.passkeyThen);
  } catch (error) {
    status.textContent = sentenceOf(error);
    button.disabled = false;
  }
}

async function prove(box) {
  const { passkey: path, passkeyDoes: does, formToken } = box.dataset;
  const asked = await read(await fetch(`${path}/challenge`));
  const credential =
    does === 'create'
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked),
        });
  const label = box.querySelector('input[name=label]')?.value.trim();
  const order = { credential: credential.toJSON(), ...(label ? { label } : {}) };
  const headers = {
    'Content-Type': 'application/json',
    ...(formToken === undefined ? {} : { 'X-Form-Token': formToken }),
  };
  await read(await fetch(path, { method: 'POST', headers, body: JSON.stringify(order) }));
}

async function read(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? `The forge answered ${response.status}.`);
  return answer;
}

/** An address that differs from this page's in its fragment alone would not be loaded anew. */
function goTo(address) {
  const url = new URL(address, location.href);
  const isHere = url.pathname === location.pathname && url.search === location.search;
  location.assign(url);
  if (isHere) location.reload();
}

/** What browsers say of these is for programmers. */
function sentenceOf(error) {
  if (error.name === 'NotAllowedError') return 'No passkey was used: it was cancelled, or took too long.';
  if (error.name === 'InvalidStateError') return 'This device has a passkey of this account already.';
  return error.message || 'The passkey could not be used.';
}
