/** URLs as Go's net/url reads them. */
import { quote } from '@keelson/api/field';
import { problemOfAddress } from './network.ts';

/** A text is no URL; the message is Go's. */
export class UrlError extends Error {
  override readonly name = 'UrlError';
}

export interface GoUrl {
  readonly scheme: string;
  /** What follows the scheme where that is no path: `a@b` in `mailto:a@b`. */
  readonly opaque: string;
  readonly userinfo: string;
  /** With the port. */
  readonly host: string;
  /** Decoded. */
  readonly path: string;
  /** As written. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** `?` stands there, and nothing behind it. */
  readonly forceQuery: boolean;
  /** Decoded. */
  readonly fragment: string;
}

/** What url.ParseRequestURI says of a text that is no absolute URI nor an absolute path; undefined for one that is. */
export function problemOfRequestUri(text: string): string | undefined {
  try {
    within(text, () => parse(text, true));
    return undefined;
  } catch (error) {
    if (error instanceof UrlError) return error.message;
    throw error;
  }
}

/** What url.Parse makes of a text that url.ParseRequestURI accepts. @throws UrlError */
export function parseUrl(text: string): GoUrl {
  within(text, () => parse(text, true));
  const sharp = text.indexOf('#');
  const before = sharp < 0 ? text : text.slice(0, sharp);
  const url = within(before, () => parse(before, false));
  return { ...url, fragment: within(text, () => unescaped(sharp < 0 ? '' : text.slice(sharp + 1))) };
}

/** Errors name the text that was read. */
function within<T>(text: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UrlError) throw new UrlError(`parse ${quote(text)}: ${error.message}`);
    throw error;
  }
}

function parse(text: string, asRequest: boolean): GoUrl {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new UrlError('net/url: invalid control character in URL');
  if (text === '' && asRequest) throw new UrlError('empty url');
  const { scheme, rest } = splitScheme(text);
  const question = rest.indexOf('?');
  const rawQuery = question < 0 ? '' : rest.slice(question + 1);
  const forceQuery = question >= 0 && rawQuery === '';
  const before = question < 0 ? rest : rest.slice(0, question);
  const nothing = { opaque: '', userinfo: '', host: '', path: '', rawPath: '', fragment: '' };
  const empty: GoUrl = { ...nothing, scheme, rawQuery, forceQuery };
  if (text === '*') return { ...empty, path: '*', rawPath: '*' };
  if (!before.startsWith('/')) {
    if (scheme === '' && asRequest) throw new UrlError('invalid URI for request');
    return { ...empty, opaque: before };
  }
  const hasAuthority = scheme !== '' || (!asRequest && !before.startsWith('///'));
  if (!hasAuthority || !before.startsWith('//')) return { ...empty, path: unescaped(before), rawPath: before };
  const slash = before.indexOf('/', 2);
  const authority = before.slice(2, slash < 0 ? undefined : slash);
  const rawPath = slash < 0 ? '' : before.slice(slash);
  return { ...empty, ...splitAuthority(scheme, authority), path: unescaped(rawPath), rawPath };
}

function splitScheme(text: string): { scheme: string; rest: string } {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*)?(:?)/.exec(text)!;
  if (match[1] === undefined && match[2] === ':') throw new UrlError('missing protocol scheme');
  if (match[1] === undefined || match[2] === '') return { scheme: '', rest: text };
  return { scheme: match[1].toLowerCase(), rest: text.slice(match[0].length) };
}

function splitAuthority(scheme: string, authority: string): { userinfo: string; host: string } {
  const at = authority.lastIndexOf('@');
  const host = parseHost(scheme, authority.slice(at + 1));
  const userinfo = at < 0 ? '' : authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new UrlError('net/url: invalid userinfo');
  unescaped(userinfo);
  return { userinfo, host };
}

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf('[');
  if (bracket > 0) throw new UrlError('invalid IP-literal');
  if (bracket === 0) return parseLiteral(host);
  const strict = scheme === 'http' || scheme === 'https';
  const colon = strict ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon >= 0) checkPort(host.slice(colon));
  return unescaped(host, HOST);
}

/** `[fe80::1%25eth0]:80` */
function parseLiteral(host: string): string {
  const end = host.lastIndexOf(']');
  if (end < 0) throw new UrlError("missing ']' in host");
  checkPort(host.slice(end + 1));
  const name = host.slice(1, end);
  const zone = name.indexOf('%25');
  const address =
    zone < 0 ? unescaped(name, HOST) : unescaped(name.slice(0, zone), HOST) + unescaped(name.slice(zone), ZONE);
  const problem = problemOfAddress(address);
  if (problem !== undefined) throw new UrlError(`invalid host: ${problem}`);
  if (!address.includes(':')) throw new UrlError('invalid IP-literal');
  return `[${address}]${host.slice(end + 1)}`;
}

function checkPort(port: string): void {
  if (!/^(?::\d*)?$/.test(port)) throw new UrlError(`invalid port ${quote(port)} after host`);
}

const MALFORMED = '%(?![0-9a-fA-F]{2}).{0,2}';
/** In a host only bytes beyond ASCII, and the percent sign, may be escaped; in a zone also what may stand there as it is, and spaces. */
const HOST = '%(?!25|[89a-fA-F]).{2}';
const ZONE = '%(?!2[0145-9a-eA-E]|3[0-9a-eA-E]|[46][1-9a-fA-F]|[57][0-9aA]|5[bdfBDF]|7[eE]|[89a-fA-F]).{2}';
const NO_HOST = '[^A-Za-z0-9\\-._~!$&\'()*+,;=:[\\]<>"%\\u0080-\\uffff]';

/** @param misplaced what may not be escaped, in a host; then it is also looked at what stands there as it is */
function unescaped(text: string, misplaced?: string): string {
  const problems = misplaced === undefined ? MALFORMED : `${MALFORMED}|${misplaced}|${NO_HOST}`;
  const wrong = new RegExp(problems, 's').exec(text)?.[0];
  if (wrong?.startsWith('%')) throw new UrlError(`invalid URL escape ${quote(wrong)}`);
  if (wrong !== undefined) throw new UrlError(`invalid character ${quote(wrong)} in host name`);
  return decode(text);
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = Buffer.from(text.replace(/%([0-9a-fA-F]{2})/g, (_, hex) => `\0${hex}`));
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0) out.push(bytes[i]!);
    else {
      out.push(Number.parseInt(bytes.toString('latin1', i + 1, i + 3), 16));
      i += 2;
    }
  }
  return Buffer.from(out).toString();
}

/** The host without its port and brackets. */
export function hostname({ host }: GoUrl): string {
  const name = host.replace(/:\d*$/, '');
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}

export function port({ host }: GoUrl): string {
  return /:(\d*)$/.exec(host)?.[1] ?? '';
}

/** The path as written if that is a valid encoding, else encoded anew. */
export function escapedPath({ path, rawPath }: GoUrl): string {
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/%]*$/.test(rawPath)) return rawPath;
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}

const MAX_PARAMETERS = 10_000;

/** Names with their values, in order; what is not encoded as it should be is left out. Of too many there is none. */
export function query({ rawQuery }: GoUrl): Map<string, string[]> {
  const values = new Map<string, string[]>();
  const pairs = rawQuery.split('&');
  if (pairs.length > MAX_PARAMETERS) return values;
  for (const pair of pairs) {
    if (pair === '' || pair.includes(';') || /%(?![0-9a-fA-F]{2})/.test(pair)) continue;
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const key = decode(name.replaceAll('+', ' '));
    const known = values.get(key);
    if (known) known.push(decode(value.replaceAll('+', ' ')));
    else values.set(key, [decode(value.replaceAll('+', ' '))]);
  }
  return values;
}
