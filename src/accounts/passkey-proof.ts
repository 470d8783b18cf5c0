// What a browser signs with a passkey, and whether it did (Web Authentication, level 3). Who the passkeys belong to is kept
// in passkeys.ts.
import { isIP } from 'node:net';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { Challenges } from './challenges.ts';
import type { PasskeyProof, PasskeyRegistration } from './credentials-model.ts';
import { getActiveAccount } from './find.ts';
import type { Account } from './model.ts';
import { findPasskey, listPasskeyRows, recordPasskeyUse, type PasskeyRow } from './store-passkeys.ts';

// Touching a key and typing its PIN takes a while.
const windowMs = 5 * 60_000;
const challenges = new Challenges({ windowMs, maxUsed: 2000 });
/** EdDSA, ES256, RS256; the library would offer algorithms beside them that are still drafts. */
const supportedAlgorithmIDs = [-8, -7, -257];
const signIn = 'passkey-sign-in';

/** It loads slowly and few need it. */
const library = () => import('@simplewebauthn/server');

/** What a browser makes a passkey from, within five minutes. */
export async function passkeyCreationOf(forge: Forge, account: Account) {
  const { generateRegistrationOptions } = await library();
  const { challenge } = challenges.create(forge, creationOf(account));
  return generateRegistrationOptions({
    rpName: 'pika-git',
    rpID: relyingParty(forge).id,
    userName: account.name,
    userDisplayName: account.name,
    userID: Uint8Array.from(handleOf(account)),
    challenge,
    timeout: windowMs,
    supportedAlgorithmIDs,
    excludeCredentials: listPasskeyRows(forge.db, account.id).map(descriptorOf),
    // A key that keeps nothing is still good as a second factor.
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  });
}

/** The key of a new passkey; refuses (`invalid`) what does not answer our challenge to this account. */
export async function verifyRegistration(forge: Forge, account: Account, credential: PasskeyRegistration) {
  const { verifyRegistrationResponse } = await library();
  const { id, origin } = relyingParty(forge);
  const response: RegistrationResponseJSON = { ...credential, clientExtensionResults: {} };
  const checked = await explained('invalid', (said) =>
    verifyRegistrationResponse({
      response,
      expectedChallenge: (given) => useUp(forge, { given, purpose: creationOf(account), said }),
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: false,
      supportedAlgorithmIDs,
    }),
  );
  if (checked.verified) return checked.registrationInfo.credential;
  throw refusal('invalid', 'it does not prove itself');
}

/** What a browser signs with any passkey that it has for this forge. */
export async function passkeyAskingOf(forge: Forge) {
  const { generateAuthenticationOptions } = await library();
  const { challenge } = challenges.create(forge, signIn);
  const rpID = relyingParty(forge).id;
  return generateAuthenticationOptions({ rpID, challenge, timeout: windowMs, userVerification: 'required' });
}

/** The account of the passkey, whose holder has shown the authenticator that it is he; it stands for both factors. */
export async function signInWithPasskey(forge: Forge, proof: PasskeyProof): Promise<Account> {
  const row = findPasskey(forge.db, proof.id);
  if (row === undefined) {
    throw refusal(
      'unauthenticated',
      'it belongs to no account of this forge; sign in another way and add it',
    );
  }
  await verifyProof(forge, { row, proof, purpose: signIn, isAlone: true });
  return getActiveAccount(forge, row.accountId);
}

/** As `passkeyAskingOf`, of somebody who has said already who he is. */
export async function secondFactorAskingOf(forge: Forge, account: Account) {
  const { generateAuthenticationOptions } = await library();
  const { challenge } = challenges.create(forge, secondOf(account));
  return generateAuthenticationOptions({
    rpID: relyingParty(forge).id,
    challenge,
    timeout: windowMs,
    userVerification: 'discouraged',
    allowCredentials: listPasskeyRows(forge.db, account.id).map(descriptorOf),
  });
}

/** Passes when the proof is by a passkey of the account. */
export async function requireSecondFactor(
  forge: Forge,
  account: Account,
  proof: PasskeyProof,
): Promise<void> {
  const row = findPasskey(forge.db, proof.id);
  if (row?.accountId !== account.id) {
    throw refusal('unauthenticated', `it is none of the account "${account.name}"`);
  }
  await verifyProof(forge, { row, proof, purpose: secondOf(account), isAlone: false });
}

interface Claim {
  row: PasskeyRow;
  proof: PasskeyProof;
  purpose: string;
  /** Whether it must have seen its holder's PIN or finger, because nothing else is asked. */
  isAlone: boolean;
}

async function verifyProof(forge: Forge, { row, proof, purpose, isAlone }: Claim): Promise<void> {
  const { verifyAuthenticationResponse } = await library();
  const { userHandle, ...signed } = proof.response;
  if (userHandle && userHandle !== handleOf({ id: row.accountId }).toString('base64url')) {
    throw refusal('unauthenticated', 'it names another account');
  }
  const response: AuthenticationResponseJSON = { ...proof, response: signed, clientExtensionResults: {} };
  const { id, origin } = relyingParty(forge);
  const checked = await explained('unauthenticated', (said) =>
    verifyAuthenticationResponse({
      response,
      expectedChallenge: (given) => useUp(forge, { given, purpose, said }),
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: isAlone,
      credential: {
        id: row.credentialId,
        publicKey: Uint8Array.from(Buffer.from(row.publicKey, 'base64url')),
        counter: row.counter,
      },
    }),
  );
  if (!checked.verified) throw refusal('unauthenticated', 'its signature is not that of its key');
  const counter = checked.authenticationInfo.newCounter;
  if (!recordPasskeyUse(forge.db, { id: row.id, counter, now: forge.clock.now() })) {
    throw refusal('unauthenticated', 'its counter did not grow; it may have been copied');
  }
}

/** The library throws errors of its own; `said` is what we know better of why. */
async function explained<Result>(
  code: 'invalid' | 'unauthenticated',
  verify: (said: { why?: string }) => Promise<Result>,
): Promise<Result> {
  const said: { why?: string } = {};
  try {
    return await verify(said);
  } catch (error) {
    if (error instanceof ForgeError) throw error;
    const why = said.why ?? errorMessage(error).replace(/\.$/, '').slice(0, 200);
    throw new ForgeError(code, sentence(why), { cause: error });
  }
}

function useUp(
  forge: Forge,
  { given, purpose, said }: { given: string; purpose: string; said: { why?: string } },
): boolean {
  const problem = challenges.useUp(forge, Buffer.from(given, 'base64url').toString('utf8'), purpose);
  if (problem !== undefined) said.why = problem;
  return problem === undefined;
}

const sentence = (why: string): string => `The passkey was refused: ${why}. Start anew.`;
const refusal = (code: 'invalid' | 'unauthenticated', why: string): ForgeError =>
  new ForgeError(code, sentence(why));

/** Passkeys are bound to the host of the configured origin, and a request's own Host says nothing. */
function relyingParty(forge: Forge): { id: string; origin: string } {
  const { id, origin, problem } = passkeyOrigin(publicOrigin(forge.config));
  if (problem !== undefined) throw new ForgeError('conflict', problem);
  return { id, origin };
}

/** Browsers make passkeys for names alone, and only where nobody can listen. */
export function passkeyOrigin(text: string): { id: string; origin: string; problem: string | undefined } {
  const { hostname, origin, protocol } = new URL(text);
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  const works = !isAddress && (protocol === 'https:' || isLocal);
  const problem = works
    ? undefined
    : `Passkeys work where the forge has a name and https, or is localhost; it is ${origin} now (publicUrl in pika.toml).`;
  return { id: hostname, origin, problem };
}

const creationOf = ({ id }: { id: number }): string => `passkey-creation ${id}`;
const secondOf = ({ id }: { id: number }): string => `passkey-second ${id}`;
const handleOf = ({ id }: { id: number }): Buffer => Buffer.from(`account ${id}`);
const descriptorOf = ({ credentialId, transports }: PasskeyRow) => ({
  id: credentialId,
  transports: JSON.parse(transports) as string[],
});
