// Takes secrets out of what other programs say. Whoever was given a secret may say it again, and not always as it was given.

const instead = '[redacted]';
/** Shorter ones stand in ordinary words. */
const minCharacters = 4;
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]+@/gi;

/** Answers a function that writes a text without the secrets, however they are encoded, and without names in addresses. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const spellings = secrets
    .filter((secret) => secret.length >= minCharacters)
    .flatMap((secret) => [secret, encodeURIComponent(secret), ...base64Of(secret)])
    .toSorted((left, right) => right.length - left.length);
  return (text) =>
    spellings
      .reduce((clean, spelling) => clean.replaceAll(spelling, instead), text)
      .replace(userInfo, `$1${instead}@`);
}

const base64Of = (secret: string): string[] =>
  (['base64', 'base64url'] as const).map((form) => Buffer.from(secret).toString(form).replace(/=+$/, ''));
