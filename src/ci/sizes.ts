const mebibyte = 1024 * 1024;

/** As people read it in a log: `2 GiB`, `512 MiB`, or bytes when it is less than one. */
export function mebibytes(bytes: number): string {
  if (bytes < mebibyte) return `${bytes} bytes`;
  const count = bytes / mebibyte;
  return count < 1024 ? `${round(count)} MiB` : `${round(count / 1024)} GiB`;
}

const round = (count: number): string => String(Math.round(count * 10) / 10);
