// One event stream for the page. An event says that a topic changed; the fragments that show it are fetched anew.
// After a lost connection or a restart of the forge everything is fetched once, so nothing stays stale.
import { renew } from './renew.js';

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
  // Whoever goes back is shown the page as it was when it was left.
  let wasLost = performance.getEntriesByType('navigation')[0]?.type === 'back_forward';
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
const againMs = 5000;

/** Fetches one fragment; a change during the fetch makes it fetch once more. Answers false when it did not come. */
export async function refresh(element, enhance) {
  if (underWay.has(element)) {
    underWay.set(element, true);
    return true;
  }
  underWay.set(element, false);
  const hasCome = await fetchPart(element, enhance);
  const isWantedAgain = underWay.get(element);
  underWay.delete(element);
  return isWantedAgain ? refresh(element, enhance) : hasCome;
}

async function fetchPart(element, enhance) {
  const { fragment } = element.dataset;
  // It may have been closed, or have gone with the part around it.
  if (fragment === undefined || !element.isConnected) return false;
  try {
    const response = await fetch(fragment, { headers: { 'x-fragment': '1' } });
    // Whoever has signed out elsewhere is led to another page, which is no part of this one.
    const isPart = response.ok && !response.redirected;
    if (isPart) replaceContent(element, await response.text(), enhance);
    // A forge that has too much to do just now says so.
    else if (response.status === 429 || response.status >= 500)
      setTimeout(() => void refresh(element, enhance), againMs);
    return isPart;
  } catch {
    // The stream notices a lost forge too, and fetches everything when it is back.
    return false;
  }
}

const shown = new WeakMap();

function replaceContent(element, html, enhance) {
  if (shown.get(element) === html) return;
  shown.set(element, html);
  renew(element, new DOMParser().parseFromString(html, 'text/html').body);
  if (element.querySelector('[data-stays]') !== null) {
    delete element.dataset.live;
    delete element.dataset.fragment;
    document.dispatchEvent(new CustomEvent('pika:filled'));
  }
  enhance(element);
}
