const started = new WeakSet();

/** Shows the copy buttons (they need script) and lets them say that they did it. */
export function startCopying(root) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    button.hidden = false;
    // Called again for a part that has changed, most of which is still there.
    if (started.has(button)) continue;
    started.add(button);
    button.addEventListener('click', async () => {
      const label = button.getAttribute('aria-label');
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.setAttribute('aria-label', 'Copied');
        button.setAttribute('aria-pressed', 'true');
      } catch {
        // Without the right to write to the clipboard, select the text so that the person can.
        getSelection().selectAllChildren(button.parentElement.querySelector('code'));
      }
      setTimeout(() => {
        button.setAttribute('aria-label', label);
        button.removeAttribute('aria-pressed');
      }, 1500);
    });
  }
}
