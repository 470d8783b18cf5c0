// An express application with what every route needs: security headers, assets, body limits.
import express, { type Express, type RequestHandler } from 'express';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const assetsFolder = new URL('../../templates/assets/', import.meta.url).pathname;

export interface AppOptions {
  trustedProxies: readonly string[];
  maxRequestBytes: number;
}

export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', 'weak');
  app.set('query parser', 'simple');
  app.set('trust proxy', options.trustedProxies.length > 0 ? [...options.trustedProxies] : false);
  app.use(securityHeaders);

  // The version in the path only defeats caches; any version serves today's file.
  app.use('/assets/:version', express.static(assetsFolder, { index: false, maxAge: '1y', immutable: true }));
  app.get('/favicon.ico', (_request, response) =>
    response.redirect(301, `/assets/${assetVersion()}/icon.svg`),
  );
  return app;
}

/** Body parsers for pages and API; git's own routes are mounted before and read their bodies as streams. */
export function bodyParsers(options: Pick<AppOptions, 'maxRequestBytes'>): RequestHandler[] {
  const limit = options.maxRequestBytes;
  return [express.json({ limit, strict: true }), express.urlencoded({ limit, extended: false })];
}

let knownVersion: string | undefined;

/** Changes whenever an asset does; it stands in asset URLs so that they can be cached for ever. Read once. */
export const assetVersion = (): string => (knownVersion ??= hashAssets());

function hashAssets(): string {
  const hash = createHash('sha256');
  const names = readdirSync(assetsFolder, { recursive: true, withFileTypes: true });
  for (const entry of names) {
    if (entry.isFile()) hash.update(readFileSync(`${entry.parentPath}/${entry.name}`));
  }
  return hash.digest('hex').slice(0, 12);
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const securityHeaders: RequestHandler = (request, response, next) => {
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'same-origin');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  if (request.secure) response.setHeader('Strict-Transport-Security', 'max-age=31536000');
  next();
};
