// Light, dark, or as the system says; remembered in this browser.
const order = ['system', 'light', 'dark'];

export function startThemeSwitch() {
  const button = document.querySelector('[data-theme-switch]');
  if (button === null) return;
  button.hidden = false;
  const show = (theme) => {
    const text = theme === 'system' ? 'Theme: follows the system' : `Theme: ${theme}`;
    button.setAttribute('aria-label', text);
    button.title = text;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  let theme = localStorage.getItem('theme') ?? 'system';
  show(theme);
  button.addEventListener('click', () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    if (theme === 'system') localStorage.removeItem('theme');
    else localStorage.setItem('theme', theme);
    show(theme);
  });
}
