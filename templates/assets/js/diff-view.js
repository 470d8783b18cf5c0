// Side by side: the default of a very wide window, until the reader chooses; and a switch keeps the place on the page.
// The forge reads the cookie when it makes the page.

const wide = matchMedia('(min-width: 2000px)');

export function startDiffView() {
  // Load events do not bubble; images of parts that come later are told of here too.
  document.addEventListener('load', (event) => tellSize(event.target), true);
  for (const image of document.querySelectorAll('.image-diff img')) if (image.complete) tellSize(image);
  followWidth();
  restorePlace();
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-keep-place]') !== null) keepPlace();
  });
}

function tellSize(image) {
  const place = image.closest?.('.image-diff figure')?.querySelector('[data-image-size]');
  if (place && image.naturalWidth > 0) place.textContent = `${image.naturalWidth} × ${image.naturalHeight}`;
}

function followWidth() {
  const stored = /(?:^|;\s*)diff_view=(\w+)/.exec(document.cookie)?.[1];
  const shown = document.querySelector('[data-diff-view]')?.dataset.diffView;
  if (stored === undefined && wide.matches) {
    document.cookie = 'diff_view=wide; path=/; max-age=31536000; samesite=lax';
    // A browser that keeps no cookies would load for ever.
    if (shown === 'unified' && document.cookie.includes('diff_view=wide')) location.reload();
  } else if (stored === 'wide' && !wide.matches) {
    document.cookie = 'diff_view=; path=/; max-age=0; samesite=lax';
    if (shown === 'split' && !document.cookie.includes('diff_view=')) location.reload();
  }
}

/** The file at the top of the window, by its name: the same place is elsewhere when it is shown in another way. */
function keepPlace() {
  const file = [...document.querySelectorAll('.file-diff[id]')].find(
    (each) => each.getBoundingClientRect().bottom > 80,
  );
  if (file === undefined || scrollY < 80) return;
  sessionStorage.setItem('place', JSON.stringify({ path: location.pathname, file: file.id }));
}

function restorePlace() {
  const stored = sessionStorage.getItem('place');
  if (stored === null) return;
  sessionStorage.removeItem('place');
  const { path, file } = JSON.parse(stored);
  if (path !== location.pathname) return;
  const show = () => document.getElementById(file)?.scrollIntoView({ block: 'start', behavior: 'instant' });
  show();
  document.addEventListener('pika:filled', show, { once: true });
}
