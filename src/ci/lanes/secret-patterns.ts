// Under which shapes a secret may be printed: as it is, line by line, and as programs usually wrap it (base64, JSON,
// a URL). What is shorter than six bytes is not masked: it would take ordinary words out of every log.

const minBytes = 6;
// `base64` breaks its lines at 76 characters, `openssl` and PEM at 64.
const wraps = [64, 76];

/** Every form of the secrets that is taken out of a log, each once. */
export function secretPatterns(secrets: readonly string[]): Buffer[] {
  const forms = secrets.flatMap((secret) => [
    ...linesOf(secret),
    ...linesOf(secret).flatMap((line) => [
      ...base64Forms(Buffer.from(line)),
      JSON.stringify(line).slice(1, -1),
      encodeURIComponent(line.toWellFormed()),
    ]),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
  ]);
  return [...new Set(forms)].map((form) => Buffer.from(form)).filter(({ length }) => length >= minBytes);
}

/** The secret itself and, when it has several lines, each of them, without the spaces around it. */
function linesOf(secret: string): string[] {
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => Buffer.byteLength(line) >= minBytes);
  return [...new Set([secret, secret.trim(), ...lines])].filter(
    (form) => Buffer.byteLength(form) >= minBytes,
  );
}

/**
 * What stands in every base64 text that holds the secret, wherever it begins among the three bytes of a group: the
 * characters that belong to the secret alone.
 */
function base64Forms(secret: Buffer): string[] {
  if (secret.length < minBytes) return [];
  const cores = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), secret]).toString('base64');
    return text.slice(Math.ceil((8 * before) / 6), Math.floor((8 * (before + secret.length)) / 6));
  });
  const wrapped = wraps.flatMap((width) => pieces(secret.toString('base64').replace(/=+$/, ''), width));
  const all = [...cores, ...wrapped];
  return [...all, ...all.map((core) => core.replaceAll('+', '-').replaceAll('/', '_'))];
}

function pieces(text: string, width: number): string[] {
  if (text.length <= width) return [];
  return Array.from({ length: Math.ceil(text.length / width) }, (_, place) =>
    text.slice(place * width, (place + 1) * width),
  );
}
