/** `Content-Disposition` of RFC 6266: a plain name for old programs, and the exact one. */
export function attachment(name: string): string {
  const plain = name.replaceAll(/[^\w .+-]/g, '_');
  const exact = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
