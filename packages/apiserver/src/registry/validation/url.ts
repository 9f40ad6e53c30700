/** URLs as Go's net/url takes them apart: what is wrong with one is told in its words. */
import { quote } from '@keelson/api/field';

export interface GoUrl {
  /** In lower case; '' without one. */
  readonly scheme: string;
  /** With the port. */
  readonly host: string;
  /** `user:password`, escaped where it must be; undefined without one. */
  readonly user: string | undefined;
  readonly query: string;
  readonly fragment: string;
}

export class UrlProblem extends Error {}

const SHAPE = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s;
const ASCII_CONTROL = /[\p{Cc}&&\p{ASCII}]/v;
const HOST_CHARACTER = /[A-Za-z0-9!$&'()*+,;=:[\]<>"\-_.~%]|\P{ASCII}/u;
const USER_INFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;

/** @throws UrlProblem `parse "http://[": missing ']' in host` */
export function parseUrl(text: string): GoUrl {
  const hash = text.indexOf('#');
  const main = hash < 0 ? text : text.slice(0, hash);
  const rawFragment = hash < 0 ? '' : text.slice(hash + 1);
  const parts = take(main);
  if (typeof parts === 'string') throw new UrlProblem(`parse ${quote(main)}: ${parts}`);
  const problem = escapeProblem(rawFragment);
  if (problem) throw new UrlProblem(`parse ${quote(text)}: ${problem}`);
  return { ...parts, fragment: decoded(rawFragment) };
}

function take(text: string): Omit<GoUrl, 'fragment'> | string {
  if (ASCII_CONTROL.test(text)) return 'net/url: invalid control character in URL';
  if (text.startsWith(':')) return 'missing protocol scheme';
  const [, scheme = '', authority, path = '', query = ''] = SHAPE.exec(text)!;
  const parts = { scheme: scheme.toLowerCase(), host: '', user: undefined, query };
  if (authority === undefined && !path.startsWith('/')) {
    if (scheme !== '') return parts;
    if (path.split('/', 1)[0]!.includes(':')) return 'first path segment in URL cannot contain colon';
  }
  const at = authority?.lastIndexOf('@') ?? -1;
  const user = at < 0 ? undefined : authority!.slice(0, at);
  const host = authority?.slice(at + 1) ?? '';
  const problem = hostProblem(host) ?? userProblem(user) ?? escapeProblem(path);
  return problem ?? { ...parts, host: decoded(host), user: user === undefined ? user : userText(user) };
}

function hostProblem(host: string): string | undefined {
  const bracket = host.lastIndexOf(']');
  if (host.startsWith('[') && bracket < 0) return "missing ']' in host";
  const colon = host.indexOf(':');
  const port = host.startsWith('[') ? host.slice(bracket + 1) : colon < 0 ? '' : host.slice(colon);
  if (!/^(:[0-9]*)?$/.test(port)) return `invalid port ${quote(port)} after host`;
  const escaped = /%(?!25|[89A-Fa-f][0-9A-Fa-f]).{0,2}/s.exec(host);
  if (escaped) return `invalid URL escape ${quote(escaped[0])}`;
  const wrong = [...host].find((character) => !HOST_CHARACTER.test(character));
  return wrong === undefined ? undefined : `invalid character ${quote(wrong)} in host name`;
}

function userProblem(user: string | undefined): string | undefined {
  if (user === undefined) return undefined;
  return USER_INFO.test(user) ? escapeProblem(user) : 'net/url: invalid userinfo';
}

function userText(user: string): string {
  const colon = user.indexOf(':');
  const parts = colon < 0 ? [user] : [user.slice(0, colon), user.slice(colon + 1)];
  return parts
    .map((part) =>
      encodeURIComponent(decoded(part))
        .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
        .replace(/%(?:24|26|2B|2C|3B|3D)/g, decodeURIComponent),
    )
    .join(':');
}

function escapeProblem(text: string): string | undefined {
  const wrong = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(text);
  return wrong ? `invalid URL escape ${quote(wrong[0])}` : undefined;
}

/** What is no UTF-8 stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
