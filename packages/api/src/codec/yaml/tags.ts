/** Tags, anchors and directives in YAML text (YAML 1.1, chapters 6 and 7, as libyaml reads them). */
import { isBlank, isBreak, isGap, type YamlCursor } from './cursor.ts';
import { skipComment } from './scalars.ts';

export type Directive =
  | { readonly name: 'YAML'; readonly version: string }
  | { readonly name: 'TAG'; readonly handle: string; readonly prefix: string };

/** The name of an anchor or alias, behind its sign. @throws YamlError */
export function scanAnchor(cursor: YamlCursor): string {
  cursor.skip();
  const name = cursor.take(/[\w-]*/y);
  if (name === '' || !(isGap(cursor.char()) || '?:,]}%@`'.includes(cursor.char())))
    throw cursor.error('did not find expected alphabetic or numeric character');
  return name;
}

/** @returns its handle, '' where it has none, and what follows. @throws YamlError */
export function scanTag(cursor: YamlCursor): [handle: string, suffix: string] {
  let handle = '';
  let suffix: string;
  if (cursor.char(1) === '<') {
    cursor.skip(2);
    suffix = scanUri(cursor, '');
    if (cursor.char() !== '>') throw cursor.error("did not find the expected '>'");
    cursor.skip();
  } else {
    handle = cursor.take(/![\w-]*!?/y);
    if (handle.length > 1 && handle.endsWith('!')) suffix = scanUri(cursor, '');
    else {
      suffix = scanUri(cursor, handle);
      handle = '!';
      if (suffix === '') [handle, suffix] = ['', '!'];
    }
  }
  if (!isGap(cursor.char())) throw cursor.error('did not find expected whitespace or line break');
  return [handle, suffix];
}

/** A directive with the rest of its line. @throws YamlError */
export function scanDirective(cursor: YamlCursor): Directive {
  cursor.skip();
  const name = cursor.take(/[\w-]*/y);
  if (name === '') throw cursor.error('could not find expected directive name');
  if (!isGap(cursor.char())) throw cursor.error('found unexpected non-alphabetical character');
  if (name !== 'YAML' && name !== 'TAG') throw cursor.error('found unknown directive name');
  const directive: Directive =
    name === 'YAML' ? { name, version: scanVersion(cursor) } : { name, ...scanTagDirective(cursor) };
  cursor.take(/[ \t]*/y);
  skipComment(cursor);
  if (!isBreak(cursor.char()) && !cursor.isEnd) throw cursor.error('did not find expected comment or line break');
  return directive;
}

function scanVersion(cursor: YamlCursor): string {
  cursor.take(/[ \t]*/y);
  const number = (): string => {
    const digits = cursor.take(/\d*/y);
    if (digits.length > 2) throw cursor.error('found extremely long version number');
    if (digits === '') throw cursor.error('did not find expected version number');
    return digits;
  };
  const major = number();
  if (cursor.char() !== '.') throw cursor.error("did not find expected digit or '.' character");
  cursor.skip();
  return `${Number(major)}.${Number(number())}`;
}

function scanTagDirective(cursor: YamlCursor): { handle: string; prefix: string } {
  cursor.take(/[ \t]*/y);
  const handle = cursor.take(/![\w-]*!|!(?![\w-])/y);
  if (handle === '') throw cursor.error("did not find expected '!'");
  if (!isBlank(cursor.char())) throw cursor.error('did not find expected whitespace');
  cursor.take(/[ \t]*/y);
  const prefix = scanUri(cursor, '');
  if (!isGap(cursor.char())) throw cursor.error('did not find expected whitespace or line break');
  return { handle, prefix };
}

/** @param head what has been read of it, behind a `!` */
function scanUri(cursor: YamlCursor, head: string): string {
  const uri = cursor.take(/[\w\-;/?:@&=+$,.!~*'()[\]%]*/y);
  if (head === '' && uri === '') throw cursor.error('did not find expected tag URI');
  try {
    return head.slice(1) + decodeURIComponent(uri);
  } catch {
    throw cursor.error('did not find URI escaped octet');
  }
}
