/** What the pages say is where: files and folders that are named are there, links lead somewhere. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean);
const pages = files.filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md');
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** Files and folders, and what they are called by who leaves out where they are. */
const places = new Set(
  files.flatMap((file) => {
    const parts = file.split('/');
    return parts.flatMap((_, end) => parts.slice(0, end + 1).map((_, from) => parts.slice(from, end + 1).join('/')));
  }),
);

/** Made by a build, of upstream's repository, or on a node. */
const ELSEWHERE = new Set([
  'dist/openapi.json',
  'test/e2e_node',
  'test/cmd',
  'test/integration',
  'test/integration/framework',
  'vol_data.json',
]);

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);

describe.each(pages)('%s', (page) => {
  const text = textOf(page);

  it('names what is there', () => {
    const named = [
      ...matches(text, /(?<![\w/.@*:…-])((?:[\w@-][\w.@-]*\/)*\w[\w.-]*\.(?:ts|md|sh|svg|json)(?:\.br)?)\b/g),
      ...matches(text, /`((?:packages|test|bench|docs|scripts|bin|[a-z-]+\/src)\/[\w./-]*?)\/?`/g),
    ];
    const isThere = (path: string) => places.has(path) || places.has(normalize(join(dirname(page), path)));
    expect(named.filter((path) => !isThere(path) && !ELSEWHERE.has(path))).toEqual([]);
  });

  it('leads somewhere', () => {
    const links = matches(text, /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g);
    expect(links.filter((link) => !places.has(normalize(join(dirname(page), link)).replace(/\/$/, '')))).toEqual([]);
  });
});

it('there are pages', () => expect(pages.length).toBeGreaterThan(30));
