// A live log: when its topic changes, the lines behind the last offset are fetched and appended. Follows the end
// while the reader is at the end.

export function startLogs() {
  for (const log of document.querySelectorAll('[data-log]')) follow(log);
}

function follow(log) {
  let next = Number(log.dataset.logNext);
  let isFetching = false;
  let isWantedAgain = false;
  const fetchMore = async () => {
    if (isFetching) {
      isWantedAgain = true;
      return;
    }
    isFetching = true;
    do {
      isWantedAgain = false;
      const wasAtEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
      const response = await fetch(
        `${log.dataset.log}${log.dataset.log.includes('?') ? '&' : '?'}from=${next}`,
      );
      if (!response.ok) break;
      const after = Number(response.headers.get('x-log-next'));
      if (after > next) {
        log.insertAdjacentHTML('beforeend', await response.text());
        next = after;
        isWantedAgain = response.headers.get('x-log-ended') !== 'true';
        if (wasAtEnd) scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
      }
    } while (isWantedAgain);
    isFetching = false;
  };
  document.addEventListener('pika:changed', (event) => {
    if (event.detail === 'everything' || log.dataset.live.split(' ').includes(event.detail)) void fetchMore();
  });
}
