// Runs before the first paint, so that a remembered theme never flashes. Not a module: modules wait.
(() => {
  const stored = localStorage.getItem('theme');
  if (stored === 'light' || stored === 'dark') document.documentElement.dataset.theme = stored;
})();
