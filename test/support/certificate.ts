// A certificate for this machine that nobody else has signed.
import { join } from 'node:path';
import { outputOf } from './run-program.ts';

/** Files in the folder, in PEM: for `localhost` and 127.0.0.1, good for two days. */
export async function makeCertificate(folder: string): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost`;
  await outputOf(['openssl', ...made.split(' '), '-addext', names, '-keyout', key, '-out', certificate], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });
  return { key, certificate };
}
