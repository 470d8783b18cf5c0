// Names for an @ that is being typed in a comment: buttons below the field, which the arrow down key leads to. Without
// them a name is typed as it is.

const typed = /(?:^|[^\w@./-])@([a-z0-9-]{0,39})$/i;

export function startMentions() {
  const branch = /^(\/[^/]+\/[^/]+\/branches\/\d+)/.exec(location.pathname)?.[1];
  if (branch === undefined) return;
  let shown;
  let asked = 0;
  const hide = () => {
    shown?.remove();
    shown = undefined;
  };
  document.addEventListener('input', async ({ target }) => {
    if (!(target instanceof HTMLTextAreaElement)) return;
    const begins = beginOf(target);
    asked += 1;
    const mine = asked;
    if (begins === undefined) return hide();
    const names = await namesFor(branch, begins);
    // Somebody who types on has asked for something else.
    if (mine !== asked || beginOf(target) !== begins) return;
    hide();
    if (names.length === 0) return;
    shown = listOf(names, (name) => {
      hide();
      put(target, name);
    });
    target.after(shown);
  });
  document.addEventListener('keydown', (event) => {
    if (shown === undefined) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      const field = shown.previousElementSibling;
      hide();
      field?.focus();
    }
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const buttons = [...(shown?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(document.activeElement);
    const isInField = event.target === shown?.previousElementSibling;
    if (step === undefined || (at < 0 && !(isInField && event.key === 'ArrowDown'))) return;
    event.preventDefault();
    buttons[(at + step + buttons.length) % buttons.length].focus();
  });
  document.addEventListener('focusout', ({ relatedTarget }) => {
    if (shown !== undefined && relatedTarget !== null && !shown.contains(relatedTarget)) {
      if (relatedTarget !== shown.previousElementSibling) hide();
    }
  });
}

/** What stands between the @ and the cursor; undefined when there is none. */
const beginOf = ({ value, selectionStart }) => typed.exec(value.slice(0, selectionStart))?.[1];

async function namesFor(branch, begins) {
  try {
    const response = await fetch(`/api/v1/repos${branch}/mentions?begins=${encodeURIComponent(begins)}`);
    return response.ok ? (await response.json()).names : [];
  } catch {
    return [];
  }
}

function listOf(names, choose) {
  const box = document.createElement('div');
  box.className = 'mention-names row wrap';
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', 'Name somebody');
  for (const name of names) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button small';
    button.textContent = `@${name}`;
    button.addEventListener('click', () => choose(name));
    box.append(button);
  }
  return box;
}

function put(field, name) {
  const end = field.selectionStart;
  const start = end - (beginOf(field) ?? '').length;
  field.setRangeText(`${name} `, start, end, 'end');
  field.focus();
}
