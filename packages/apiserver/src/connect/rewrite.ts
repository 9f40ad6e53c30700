/**
 * Links in what a proxied server answers lead to this server, below the path that it is proxied at
 * (apimachinery/pkg/util/proxy/transport.go).
 */
import { posix } from 'node:path';
import type { Duplex } from 'node:stream';
import { Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { RewritingStream } from 'parse5-html-rewriting-stream';
import { escapePath } from './backend.ts';

export interface Links {
  /** The path that the server is proxied at, decoded, without trailing slash. */
  readonly prefix: string;
  /** `host:port` of the server, and the host that the client asked for: both mean the server itself. */
  readonly backendHost: string;
  readonly clientHost: string;
}

/** RFC 3986, appendix B. */
const URL_PARTS = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

/** Other hosts and relative links stay as they are. */
export function rewriteLink(link: string, { prefix, backendHost, clientHost }: Links): string {
  const [, , authority = '', rawPath = '', query = '', fragment = ''] = URL_PARTS.exec(link) ?? [];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const isElsewhere = host !== '' && host !== backendHost && host !== clientHost;
  if (isElsewhere || !rawPath.startsWith('/')) return link;
  const path = decode(rawPath);
  if (path === undefined) return link;
  const isClients = host !== '' && host === clientHost;
  const start = isClients ? link.slice(0, link.indexOf(authority) + authority.length) : '';
  if (path.startsWith(prefix)) return `${start}${rawPath}${query}${fragment}`;
  return `${start}${escapePath(joined(prefix, path))}${query}${fragment}`;
}

/** Go's path.Join, with the slash at the end kept. */
export function joined(prefix: string, path: string): string {
  const result = prefix === '' && path === '' ? '' : posix.join(prefix, path);
  const bare = result.length > 1 && result.endsWith('/') ? result.slice(0, -1) : result;
  return path.endsWith('/') && !bare.endsWith('/') ? `${bare}/` : bare;
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** HTML in, HTML out, as it comes. What is not UTF-8 passes byte by byte. */
export function htmlRewriter(contentType: string, links: Links): readonly [Duplex, Duplex, Duplex] {
  const encoding = /charset=(?!"?utf-?8)/i.test(contentType) ? 'latin1' : 'utf8';
  const rewriter = new RewritingStream();
  rewriter.on('startTag', (tag) => {
    const names = LINKS[tag.tagName];
    for (const attribute of tag.attrs) {
      if (names?.includes(attribute.name)) attribute.value = rewriteLink(attribute.value, links);
    }
    rewriter.emitStartTag(tag);
  });
  return [decoder(encoding), rewriter, encoder(encoding)];
}

function decoder(encoding: 'utf8' | 'latin1'): Transform {
  const state = new StringDecoder(encoding);
  return new Transform({
    readableObjectMode: false,
    encoding: 'utf8',
    transform: (chunk: Buffer, _encoding, done) => done(null, state.write(chunk)),
    flush: (done) => done(null, state.end()),
  });
}

function encoder(encoding: 'utf8' | 'latin1'): Transform {
  return new Transform({
    decodeStrings: false,
    transform: (chunk: string, _encoding, done) => done(null, Buffer.from(chunk, encoding)),
  });
}
