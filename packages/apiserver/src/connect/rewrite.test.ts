import { pipeline, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { htmlRewriter, joined, rewriteLink } from './rewrite.ts';

const links = { prefix: '/proxy', backendHost: '10.0.0.1:80', clientHost: 'api.example:6443' };

test.each([
  ['/a?b=c#d', '/proxy/a?b=c#d'],
  ['/', '/proxy/'],
  ['/a/../b/', '/proxy/b/'],
  ['/a%20b', '/proxy/a%20b'],
  ['/proxy/a', '/proxy/a'],
  ['a', 'a'],
  ['', ''],
  ['?x', '?x'],
  ['http://10.0.0.1:80/a', '/proxy/a'],
  ['//10.0.0.1:80/a', '/proxy/a'],
  ['http://elsewhere/a', 'http://elsewhere/a'],
  ['https://api.example:6443/a', 'https://api.example:6443/proxy/a'],
  ['mailto:a@b', 'mailto:a@b'],
  ['/%zz', '/%zz'],
])('%s becomes %s', (link, rewritten) => {
  expect(rewriteLink(link, links)).toBe(rewritten);
});

test.each([
  ['', '', ''],
  ['/a', '', '/a'],
  ['/a', '/', '/a/'],
  ['/a', '/b//c/', '/a/b/c/'],
  ['', '/', '/'],
])('%s and %s are %s', (prefix, path, result) => {
  expect(joined(prefix, path)).toBe(result);
});

test.each([
  ['<A HREF="/x" class=y>x</A>', '<a href="/proxy/x" class="y">x</A>'],
  ['<img src=/a longdesc=b><br/>', '<img src="/proxy/a" longdesc="b"><br/>'],
  ['<script>if (a < "/b") {}</script>', '<script>if (a < "/b") {}</script>'],
  ['<p title="/x">ä &amp; <!-- /y --></p>', '<p title="/x">ä &amp; <!-- /y --></p>'],
])('%s', async (html, rewritten) => {
  const bytes = Buffer.from(html);
  const pieces = [...bytes].map((byte) => Buffer.of(byte));
  const stages = htmlRewriter('text/html', links);
  const out = pipeline([Readable.from(pieces), ...stages], () => {}) as unknown as Readable;
  expect(await text(out)).toBe(rewritten);
});

test('what is declared to be another charset passes byte by byte', async () => {
  const html = Buffer.from('<a href="/\xe4">\xe4</a>', 'latin1');
  const stages = htmlRewriter('text/html; charset=iso-8859-1', { ...links, prefix: '' });
  const out = pipeline([Readable.from([html]), ...stages], () => {}) as unknown as Readable;
  const chunks: Buffer[] = [];
  for await (const chunk of out) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString('latin1')).toBe('<a href="/\xe4">\xe4</a>');
});
