/** URLs as Go's net/url reads them. */

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
}

/** What url.Parse makes of a text that url.ParseRequestURI accepts: an absolute URI or an absolute path. @throws UrlError */
export function parseRequestUri(text: string): GoUrl {
  try {
    parse(text, true);
    return parse(text.split('#')[0]!, false);
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    throw new UrlError(`parse ${JSON.stringify(text)}: ${error.message}`);
  }
}

function parse(text: string, asRequest: boolean): GoUrl {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new UrlError('net/url: invalid control character in URL');
  if (text === '' && asRequest) throw new UrlError('empty url');
  const { scheme, rest } = splitScheme(text);
  const question = rest.indexOf('?');
  const rawQuery = question < 0 ? '' : rest.slice(question + 1);
  const before = question < 0 ? rest : rest.slice(0, question);
  const empty: GoUrl = { scheme, opaque: '', userinfo: '', host: '', path: '', rawPath: '', rawQuery };
  if (text === '*') return { ...empty, path: '*', rawPath: '*' };
  if (!before.startsWith('/')) {
    if (scheme === '' && asRequest) throw new UrlError('invalid URI for request');
    return { ...empty, opaque: before };
  }
  const hasAuthority = scheme !== '' || (!asRequest && !before.startsWith('///'));
  if (!hasAuthority || !before.startsWith('//')) return { ...empty, path: unescaped(before, 'path'), rawPath: before };
  const slash = before.indexOf('/', 2);
  const authority = before.slice(2, slash < 0 ? undefined : slash);
  const rawPath = slash < 0 ? '' : before.slice(slash);
  return { ...empty, ...splitAuthority(authority), path: unescaped(rawPath, 'path'), rawPath };
}

function splitScheme(text: string): { scheme: string; rest: string } {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*)?(:?)/.exec(text)!;
  if (match[1] === undefined && match[2] === ':') throw new UrlError('missing protocol scheme');
  if (match[1] === undefined || match[2] === '') return { scheme: '', rest: text };
  return { scheme: match[1].toLowerCase(), rest: text.slice(match[0].length) };
}

function splitAuthority(authority: string): { userinfo: string; host: string } {
  const at = authority.lastIndexOf('@');
  const host = parseHost(authority.slice(at + 1));
  const userinfo = at < 0 ? '' : authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new UrlError('net/url: invalid userinfo');
  unescaped(userinfo, 'path');
  return { userinfo, host };
}

function parseHost(host: string): string {
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']');
    if (end < 0) throw new UrlError("missing ']' in host");
    checkPort(host.slice(end + 1));
  } else {
    const colon = host.lastIndexOf(':');
    if (colon >= 0) checkPort(host.slice(colon));
  }
  return unescaped(host, 'host');
}

function checkPort(port: string): void {
  if (!/^(?::\d*)?$/.test(port)) throw new UrlError(`invalid port ${JSON.stringify(port)} after host`);
}

function unescaped(text: string, where: 'path' | 'host'): string {
  const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (wrong) throw new UrlError(`invalid URL escape ${JSON.stringify(wrong[0])}`);
  if (where === 'host') {
    const misplaced = /%(?!25|[89a-fA-F])../.exec(text);
    if (misplaced) throw new UrlError(`invalid URL escape ${JSON.stringify(misplaced[0])}`);
    const invalid = /[^A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\u0080-\uffff]/.exec(text);
    if (invalid) throw new UrlError(`invalid character ${JSON.stringify(invalid[0])} in host name`);
  }
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
  if (host.startsWith('[') && host.includes(']')) return host.slice(1, host.lastIndexOf(']'));
  const colon = host.lastIndexOf(':');
  return colon >= 0 && /^:\d*$/.test(host.slice(colon)) ? host.slice(0, colon) : host;
}

export function port({ host }: GoUrl): string {
  return /:(\d+)$/.exec(host.slice(host.lastIndexOf(']') + 1))?.[1] ?? '';
}

/** The path as written if that is a valid encoding, else encoded anew. */
export function escapedPath({ path, rawPath }: GoUrl): string {
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/%]*$/.test(rawPath)) return rawPath;
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}

/** Names with their values, in order; what is not encoded as it should be is left out. */
export function query({ rawQuery }: GoUrl): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const pair of rawQuery.split('&')) {
    if (pair === '' || pair.includes(';') || /%(?![0-9a-fA-F]{2})/.test(pair)) continue;
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const key = decode(name.replaceAll('+', ' '));
    values.set(key, [...(values.get(key) ?? []), decode(value.replaceAll('+', ' '))]);
  }
  return values;
}
