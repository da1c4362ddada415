/**
 * `bearer`: requests with a token that somebody has signed: a JSON Web Token (RFC 7519), as OpenID Connect and OAuth 2 have them, in the field
 * Authorization (RFC 6750; neither in a form nor in the query, where logs show it).
 */
import path from 'node:path';
import type { JWTPayload } from 'jose';
import * as errors from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import type { z } from 'zod/v3';
import { bearerOptions, KEY_ALGORITHMS, KEY_FILE_FORM } from '../config/middleware/bearer.js';
import { refuse } from '../config/refuse.js';
import { whyUnreadable } from '../config/unreadable.js';
import { toByteText } from '../gateway/byte-text.js';
import type { Fields, GatewayResponse, Handler } from '../types.js';
import { AuthenticatedRequests } from './authenticated-request.js';
import { authorizationOf, DEFAULT_REALM, quoted, refusal } from './authorization.js';
import { defineMiddleware, type MiddlewareContext } from './define.js';
import { fileKeys, secretKey, type TokenKeys } from './tokens/keys.js';
import { RemoteKeys } from './tokens/remote-keys.js';

type Options = z.output<typeof bearerOptions>;

const CLOCK_TOLERANCE_MS = 5000;

/**
 * Lets in who has a good token, as `identity`; others get 401, or 403 without one of the scopes (RFC 6750 section 3.1). Throws GatewayError 400
 * `XGI_AUTH_FIELD` for several fields Authorization, 503 `XGI_AUTH_KEYS` without any keys.
 */
export const bearer = defineMiddleware('bearer', bearerOptions, (options, context) => {
  const {
    realm = DEFAULT_REALM,
    scopes = [],
    userClaim = 'sub',
    claims = {},
    passAuthorization = false,
  } = options;
  const algorithms = algorithmsOf(options);
  const keys = keysOf(options, context);
  const verify = createVerifier(keys, options, algorithms);
  const requests = new AuthenticatedRequests(passAuthorization ? [] : ['authorization']);
  const challenge = `Bearer realm=${quoted(realm)}`;

  const invalid = (why: string): GatewayResponse =>
    refusal(
      401,
      `The token is not valid: ${why}.\n`,
      `${challenge}, error="invalid_token", error_description=${quoted(why)}`,
    );
  const insufficient = (): GatewayResponse =>
    refusal(
      403,
      `The token does not allow this: it needs ${scopes.join(' ')}.\n`,
      `${challenge}, error="insufficient_scope", scope=${quoted(scopes.join(' '))}`,
    );

  const middleware =
    (next: Handler): Handler =>
    async (request) => {
      const given = authorizationOf(request.fields);
      const token = given === undefined ? undefined : /^bearer +([\w.~+/-]+=*)$/i.exec(given)?.[1];
      if (token === undefined) return refusal(401, 'A token is needed.\n', challenge);
      const verified = await verify(token);
      if (typeof verified === 'string') return invalid(verified);
      const user = userOf(verified, userClaim);
      const variables = variablesOf(verified, claims);
      if (user === undefined) return invalid(`it does not say in ${userClaim} whose it is`);
      if (variables === undefined) return invalid('a claim has control characters');
      const granted = scopesOf(verified);
      if (!scopes.every((scope) => granted.includes(scope))) return insufficient();
      const identity = { scheme: 'Bearer', user };
      return next(requests.of(request, { identity, variables: [...request.variables, ...variables] }));
    };
  return Object.assign(middleware, { close: () => keys.close?.() });
});

/** Those that go with the kind of key, if none are named. */
function algorithmsOf({ algorithms, secret }: Options): readonly string[] {
  return algorithms ?? (secret === undefined ? KEY_ALGORITHMS : ['HS256']);
}

/** @throws ConfigError */
function keysOf(
  { jwksUrl, keyFile, secret }: Options,
  { directory, log, nameOf }: MiddlewareContext,
): TokenKeys {
  if (secret !== undefined) return secretKey(secret);
  if (jwksUrl !== undefined) return new RemoteKeys(jwksUrl, log);
  try {
    return fileKeys(path.resolve(directory, keyFile!));
  } catch (error) {
    throw refuse(nameOf('keyFile'), KEY_FILE_FORM, keyFile, `: ${whyUnreadable(error)}`);
  }
}

/** @returns the claims of a token, or why it is not valid, for everybody to read */
function createVerifier(
  keys: TokenKeys,
  { issuer, audience, clockTolerance = CLOCK_TOLERANCE_MS, requiredClaims = [] }: Options,
  algorithms: readonly string[],
): (token: string) => Promise<JWTPayload | string> {
  const wanted = {
    algorithms: [...algorithms],
    clockTolerance: clockTolerance / 1000,
    requiredClaims: ['exp', ...requiredClaims],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  return async (token) => {
    try {
      return (await jwtVerify(token, keys.find, wanted)).payload;
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return await verifyWithAny(error, token);
      return reasonOf(error);
    }
  };

  /** The token does not say which key it was signed with. */
  async function verifyWithAny(
    candidates: errors.JWKSMultipleMatchingKeys,
    token: string,
  ): Promise<JWTPayload | string> {
    for await (const key of candidates) {
      try {
        return (await jwtVerify(token, key, wanted)).payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) return reasonOf(error);
      }
    }
    return 'no key of ours fits its signature';
  }
}

/** @throws what is not the fault of the token */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim ${error.claim} is not as it should be`;
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return 'no key of ours fits its signature';
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return 'its algorithm is not one of ours';
  // A key of the set that is none: what the token says chose it.
  if (error instanceof DOMException) return 'the key that it names cannot be used';
  // A key that does not go with the algorithm that the token names.
  if (error instanceof errors.JOSEError || error instanceof TypeError) return 'it is not a signed token';
  throw error;
}

function userOf(payload: JWTPayload, claim: string): string | undefined {
  const user = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  return typeof user === 'string' && user !== '' ? asVariable(user) : undefined;
}

/** @returns undefined if one cannot be a variable */
function variablesOf(payload: JWTPayload, claims: Readonly<Record<string, string>>): Fields | undefined {
  const variables: string[] = [];
  for (const [claim, name] of Object.entries(claims)) {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    if (value === undefined || value === null) continue;
    const text = asVariable(typeof value === 'string' ? value : JSON.stringify(value));
    if (text === undefined) return undefined;
    variables.push(name, text);
  }
  return variables;
}

/** Byte text; undefined for text that has control characters, which begin lines and end variables, or is no Unicode. */
function asVariable(text: string): string | undefined {
  return /[\p{Cc}\p{Cs}]/u.test(text) ? undefined : toByteText(text);
}

/** By RFC 8693 section 4.2, a text with spaces; others have a list of them, or call it scp. */
function scopesOf({ scope, scp }: JWTPayload): readonly unknown[] {
  const given = scope ?? scp;
  if (typeof given === 'string') return given.split(' ');
  return Array.isArray(given) ? given : [];
}
