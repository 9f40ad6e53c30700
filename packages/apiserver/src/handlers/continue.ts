/** Continue tokens: where a paged list goes on, and at which revision (apiserver/pkg/storage/continue.go). */
import path from 'node:path';
import { syntaxError } from '@keelson/api/codec/json-syntax';
import { badRequest } from '@keelson/api/errors';
import { isObject, jsonType } from '@keelson/api/patch/value';

export interface ContinuePosition {
  /** The first key wanted, with the resource's prefix. */
  readonly from: string;
  /** The list's revision; negative: go on at the newest one, giving up consistency. */
  readonly revision: number;
}

/**
 * @param prefix the key prefix of the list, with trailing slash
 * @throws StatusError 400 with upstream's messages
 */
export function decodeContinue(token: string, prefix: string): ContinuePosition {
  const invalid = (why: string): never => {
    throw badRequest(`invalid continue token: continue key is not valid${why}`);
  };
  const parsed = parse(token, invalid);
  if (parsed.v !== 'meta.k8s.io/v1')
    return invalid(`: server does not recognize this encoded version ${parsed.v ?? ''}`);
  if (!parsed.rv) return invalid(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (!parsed.start) return invalid(': encoded start key empty (version meta.k8s.io/v1)');
  const key = parsed.start.startsWith('/') ? parsed.start : `/${parsed.start}`;
  if (path.posix.normalize(key) !== key) return invalid(`: ${parsed.start}`);
  return { from: prefix + key.slice(1), revision: parsed.rv };
}

/** As upstream's watch cache makes them. @param key the first key of the next page, with the prefix. */
export function encodeContinue(key: string, prefix: string, revision: number): string {
  const start = `/${key.slice(prefix.length)}`;
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

interface Token {
  v?: string;
  rv?: number;
  start?: string;
}

/** What Go's struct for it has. */
const MEMBERS = { v: ['string', 'string'], rv: ['number', 'int64'], start: ['string', 'string'] } as const;

function parse(given: string, invalid: (why: string) => never): Token {
  // Go's base64 reads over ends of lines.
  const token = given.replace(/[\r\n]/g, '');
  const illegal = /[^A-Za-z0-9_-]/.exec(token);
  if (illegal) return invalid(`: illegal base64 data at input byte ${illegal.index}`);
  // One digit of six bits makes no byte.
  if (token.length % 4 === 1) return invalid(`: illegal base64 data at input byte ${token.length - 1}`);
  const bytes = Buffer.from(token, 'base64url');
  try {
    return asToken(JSON.parse(bytes.toString('utf8')), invalid);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return invalid(`: ${syntaxError(bytes) ?? ''}`);
  }
}

function asToken(value: unknown, invalid: (why: string) => never): Token {
  if (value === null) return {};
  if (!isObject(value))
    return invalid(`: json: cannot unmarshal ${jsonType(value)} into Go value of type storage.continueToken`);
  for (const [name, [type, goType]] of Object.entries(MEMBERS)) {
    const member = value[name] ?? undefined;
    if (member !== undefined && typeof member !== type)
      return invalid(
        `: json: cannot unmarshal ${jsonType(member)} into Go struct field continueToken.${name} of type ${goType}`,
      );
  }
  return value;
}
