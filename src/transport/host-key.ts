import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import ssh2 from 'ssh2';

/** The server's ed25519 key in OpenSSH's format; made on the first start and readable by the forge alone. */
export function readHostKey(path: string): string {
  if (!existsSync(path)) {
    const pair = makePair();
    writeFileSync(`${path}.pub`, `${pair.public}\n`, { mode: 0o644 });
    writeFileSync(`${path}.new`, pair.private, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path, 'utf8');
}

/** The library cuts a leading zero off, once in 256 keys, and then cannot read its own key: such a pair is made anew. */
function makePair(): { public: string; private: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'pika-git' });
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}
