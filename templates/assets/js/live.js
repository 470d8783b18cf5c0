// One event stream for the page. An event says that a topic changed; the fragments that show it are fetched anew.
// After a lost connection or a restart of the forge everything is fetched once, so nothing stays stale.

export function startLive(enhance) {
  const topics = () => [
    ...new Set(
      [...document.querySelectorAll('[data-live], [data-live-also]')].flatMap((element) => topicsOf(element)),
    ),
  ];
  // What is only told of along with others opens no stream: a browser has few of them for all its pages.
  if (document.querySelector('[data-live]') === null) return;
  const query = topics()
    .map((topic) => `topic=${encodeURIComponent(topic)}`)
    .join('&');
  const { at } = document.body.dataset;
  let wasLost = false;
  const connect = () => {
    const source = new EventSource(`/live?${query}${at ? `&since=${at}` : ''}`);
    source.addEventListener('open', () => {
      showState('live');
      if (wasLost) refreshAll(enhance);
      wasLost = false;
    });
    source.addEventListener('error', () => {
      wasLost = true;
      showState('reconnecting');
      // The browser tries again by itself unless it was answered with an error, say by a proxy.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
    });
    source.addEventListener('resync', () => refreshAll(enhance));
    source.addEventListener('changed', (event) => {
      const { topic } = JSON.parse(event.data);
      document.dispatchEvent(new CustomEvent('pika:changed', { detail: topic }));
      for (const element of liveElements())
        if (topicsOf(element).includes(topic)) void refresh(element, enhance);
    });
  };
  connect();
}

const topicsOf = ({ dataset }) => (dataset.live ?? dataset.liveAlso).split(' ');
const liveElements = () =>
  document.querySelectorAll('[data-live][data-fragment], [data-live-also][data-fragment]');
const refreshAll = (enhance) => {
  document.dispatchEvent(new CustomEvent('pika:changed', { detail: 'everything' }));
  for (const element of liveElements()) void refresh(element, enhance);
};

function showState(text) {
  const state = document.querySelector('[data-live-state]');
  if (state === null) return;
  state.hidden = false;
  state.classList.toggle('lost', text !== 'live');
  if (state.textContent !== text) state.textContent = text;
}

const underWay = new Map();

/** Fetches one fragment; a change during the fetch makes it fetch once more. */
async function refresh(element, enhance) {
  if (underWay.has(element)) {
    underWay.set(element, true);
    return;
  }
  underWay.set(element, false);
  try {
    const response = await fetch(element.dataset.fragment, { headers: { 'x-fragment': '1' } });
    if (response.ok) replaceContent(element, await response.text(), enhance);
  } catch {
    // The stream notices a lost forge too, and fetches everything when it is back.
  }
  const isWantedAgain = underWay.get(element);
  underWay.delete(element);
  if (isWantedAgain) await refresh(element, enhance);
}

export function replaceContent(element, html, enhance) {
  const next = new DOMParser().parseFromString(html, 'text/html').body;
  if (next.innerHTML === element.dataset.shown) return;
  const opened = new Set([...element.querySelectorAll('details[open][id]')].map((details) => details.id));
  const focused = element.contains(document.activeElement) ? document.activeElement.id : '';
  const typed = [...element.querySelectorAll('input[id], textarea[id]')]
    .filter((field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked)
    .map(({ id, value, checked, selectionStart, selectionEnd }) => ({
      id,
      value,
      checked,
      selectionStart,
      selectionEnd,
    }));
  const ticked = [...element.querySelectorAll('input[type=checkbox][id]:checked')].map(({ id }) => id);
  const shown = next.innerHTML;
  element.replaceChildren(...next.childNodes);
  element.dataset.shown = shown;
  for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
  for (const { id, value, checked } of typed) {
    const field = document.getElementById(id);
    if (field === null) continue;
    field.value = value;
    if (checked !== undefined) field.checked = checked;
  }
  for (const id of ticked) document.getElementById(id)?.setAttribute('checked', '');
  if (focused !== '') focusAgain(focused, typed);
  enhance(element);
}

/** Puts the cursor where it was, so that a change elsewhere does not disturb who is typing. */
function focusAgain(id, typed) {
  const field = document.getElementById(id);
  field?.focus();
  const place = typed.find((entry) => entry.id === id);
  if (place?.selectionStart != null) field?.setSelectionRange(place.selectionStart, place.selectionEnd);
}
