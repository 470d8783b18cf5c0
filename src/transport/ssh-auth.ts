// Who a client is: only after a signature over this session that we verified ourselves. Offering a key, even a
// known one, proves nothing, and what one attempt offered never counts for the next.
import ssh2, { type AuthContext, type PublicKeyAuthContext } from 'ssh2';
import type { Line } from './ask.ts';
import type { Identity } from './model.ts';
import { isSecurityKey, isSignedBySecurityKey } from './security-key.ts';
import { signatureAlgorithms } from './signature-algorithms.ts';

const maxAttempts = 20;
const methods: ('publickey' | 'keyboard-interactive')[] = ['publickey', 'keyboard-interactive'];
const algorithms = new Set<string>(signatureAlgorithms);
const unknownKey =
  'None of your SSH keys is known to this forge. Add one on your account page, or ask an admin to add it: pika-git account add NAME --ssh-key FILE';

/** Answers one client's attempts; `onProven` is called with each identity that was proven by a signature. */
export function authenticator(
  line: Line,
  client: { address: string; onProven: (identity: Identity) => void; giveUp: () => void },
): (context: AuthContext) => void {
  let attempts = 0;
  let hasExplained = false;
  return (context) => {
    attempts += 1;
    if (attempts > maxAttempts) {
      client.giveUp();
    } else if (context.method === 'publickey') {
      proveKey(line, context, client).catch(() => context.reject(methods));
    } else if (context.method === 'keyboard-interactive' && !hasExplained) {
      // No prompt is asked: this method is only a way to say a sentence before the refusal.
      hasExplained = true;
      context.prompt([], 'pika-git', unknownKey, () => context.reject(['publickey']));
    } else {
      context.reject(hasExplained ? ['publickey'] : methods);
    }
  };
}

async function proveKey(
  line: Line,
  context: PublicKeyAuthContext,
  client: { address: string; onProven: (identity: Identity) => void },
): Promise<void> {
  const key = context.key.data.toString('base64');
  if (!isAcceptable(context)) {
    context.reject(methods);
    return;
  }
  if (context.signature === undefined || context.blob === undefined) {
    // The answer repeats the name that was asked for, where the library would say ssh-rsa (RFC 4252, section 7).
    context.key.algo = signatureAlgorithm(context);
    if (await line.ask({ kind: 'known', key })) context.accept();
    else context.reject(methods);
    return;
  }
  const identity = { key, address: client.address };
  if (isSigned(context) && (await line.ask({ kind: 'identify', identity }))) {
    client.onProven(identity);
    context.accept();
  } else context.reject(methods);
}

const isAcceptable = (context: PublicKeyAuthContext): boolean => algorithms.has(signatureAlgorithm(context));

/** The library calls every RSA key ssh-rsa; without a hash that is the SHA-1 signature, which proves nothing any more. */
const signatureAlgorithm = ({ key, hashAlgo }: PublicKeyAuthContext): string =>
  key.algo === 'ssh-rsa' && hashAlgo !== undefined ? `rsa-sha2-${hashAlgo.slice('sha'.length)}` : key.algo;

function isSigned(context: PublicKeyAuthContext): boolean {
  const { key, signature, blob, hashAlgo } = context;
  if (signature === undefined || blob === undefined) return false;
  if (isSecurityKey(key.algo)) return isSignedBySecurityKey({ key: key.data, signature, blob });
  const parsed = ssh2.utils.parseKey(`${key.algo} ${key.data.toString('base64')}`);
  if (parsed instanceof Error || parsed.type !== key.algo) return false;
  if (!parsed.getPublicSSH().equals(key.data)) return false;
  // The library answers a failed verification with false or with an Error, which is truthy.
  return parsed.verify(blob, signature, hashAlgo) === true;
}
