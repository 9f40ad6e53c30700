/** More functions of strings (cel-go ext/strings.go, version 2; ext/sets.go). */
import { trimmed } from '@keelson/api/trim';
import type { Declarations } from '../environment.ts';
import { failure } from '../eval/errors.ts';
import { formatString } from '../eval/format.ts';
import { checkText, STEPS_OF_ELEMENT, work } from '../eval/limits.ts';
import { ArrayList, type ListValue, stringSize, type Value } from '../eval/values.ts';
import { DynType, IntType, listType, StringType } from '../types/type.ts';
import { joinCost, replaceCost, searchCost, splitCost, targetTextCost } from './costs.ts';
import { fn, member, overload } from './declare.ts';

const ListOfString = listType(StringType);

function outOfRange(index: bigint): Error {
  return failure(`index out of range: ${index}`);
}

function charAt(text: string, index: bigint): string {
  if (index < 0n || index > text.length) throw outOfRange(index);
  const at = unitsOf(text, Number(index));
  if (at > text.length) throw outOfRange(index);
  return at === text.length ? '' : String.fromCodePoint(text.codePointAt(at)!);
}

/** Where a character stands, in UTF-16 units; beyond the end there are more of one unit each. */
function unitsOf(text: string, characters: number): number {
  let at = 0;
  for (let i = 0; i < characters; i++) at += at < text.length && text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}

function indexOf(text: string, part: string, from = 0n): bigint {
  if (part === '') return from;
  if (from < 0n) throw outOfRange(from);
  if (from >= text.length) return -1n;
  const at = text.indexOf(part, unitsOf(text, Number(from)));
  return at < 0 ? -1n : BigInt(stringSize(text.slice(0, at)));
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const size = stringSize(text);
  if (part === '') return from ?? BigInt(size);
  const last = from ?? BigInt(size - 1);
  if (size < stringSize(part) && from === undefined) return -1n;
  if (last < 0n) throw outOfRange(last);
  if (last >= size) return -1n;
  const at = text.lastIndexOf(part, unitsOf(text, Number(last)));
  return at < 0 ? -1n : BigInt(stringSize(text.slice(0, at)));
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Go's strings.Replace: below zero there is no limit. An empty text is found before each character and at the end. */
function replace(text: string, from: string, to: string, limit = -1n): string {
  if (limit === 0n || from === to) return text;
  let left = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  if (from !== '') {
    const parts = text.split(from);
    const kept = Math.min(left, parts.length - 1);
    checkText(text.length + kept * to.length);
    return [parts.slice(0, kept + 1).join(to), ...parts.slice(kept + 1)].join(from);
  }
  checkText(text.length + Math.min(left, text.length + 1) * to.length);
  let result = '';
  for (const character of text) result += (left-- > 0 ? to : '') + character;
  return left > 0 ? result + to : result;
}

/** Go's strings.SplitN. */
function split(text: string, separator: string, limit = -1n): Value {
  if (limit === 0n) return new ArrayList([]);
  const parts = separator === '' ? [...text] : text.split(separator);
  if (limit < 0n || parts.length <= limit) return new ArrayList(parts);
  const head = parts.slice(0, Number(limit) - 1);
  return new ArrayList([...head, parts.slice(Number(limit) - 1).join(separator)]);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const length = BigInt(stringSize(text));
  if (end !== undefined && start > end) throw failure(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > length) throw outOfRange(start);
  if (end !== undefined && (end < 0n || end > length)) throw outOfRange(end);
  return text.slice(unitsOf(text, Number(start)), end === undefined ? undefined : unitsOf(text, Number(end)));
}

/** What Go's unicode.IsSpace says is space. */
const SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const trim = (text: string) => trimmed(text, (character) => SPACE.test(character));

function join(list: ListValue, separator = ''): string {
  work(list.size * STEPS_OF_ELEMENT);
  const parts: string[] = [];
  let length = 0;
  for (const item of list) {
    if (typeof item !== 'string') throw failure(`join: invalid input: ${item}`);
    length = checkText(length + item.length + separator.length);
    parts.push(item);
  }
  return parts.join(separator);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are escaped
  return `"${text.toWellFormed().replace(/[\x07\b\f\n\r\t\v\\"]/g, (character) => ESCAPES[character]!)}"`;
}

const S = StringType;
const I = IntType;

export const STRINGS: Declarations = {
  functions: [
    fn('charAt', [member('string_char_at_int', [S, I], S, charAt)]),
    fn(
      'indexOf',
      [
        member('string_index_of_string', [S, S], I, (text: string, part: string) => indexOf(text, part)),
        member('string_index_of_string_int', [S, S, I], I, indexOf),
      ],
      { cost: searchCost },
    ),
    fn(
      'lastIndexOf',
      [
        member('string_last_index_of_string', [S, S], I, (text: string, part: string) => lastIndexOf(text, part)),
        member('string_last_index_of_string_int', [S, S, I], I, lastIndexOf),
      ],
      { cost: searchCost },
    ),
    fn('lowerAscii', [member('string_lower_ascii', [S], S, lowerAscii)], { cost: targetTextCost }),
    fn('upperAscii', [member('string_upper_ascii', [S], S, upperAscii)], { cost: targetTextCost }),
    fn('trim', [member('string_trim', [S], S, trim)], { cost: targetTextCost }),
    fn(
      'replace',
      [
        member('string_replace_string_string', [S, S, S], S, replace),
        member('string_replace_string_string_int', [S, S, S, I], S, replace),
      ],
      { cost: replaceCost },
    ),
    fn(
      'split',
      [
        member('string_split_string', [S, S], ListOfString, split),
        member('string_split_string_int', [S, S, I], ListOfString, split),
      ],
      { cost: splitCost },
    ),
    fn(
      'substring',
      [
        member('string_substring_int', [S, I], S, substring),
        member('string_substring_int_int', [S, I, I], S, substring),
      ],
      { cost: targetTextCost },
    ),
    fn('join', [member('list_join', [ListOfString], S, join), member('list_join_string', [ListOfString, S], S, join)], {
      cost: joinCost,
    }),
    fn('format', [member('string_format', [S, listType(DynType)], S, formatString)], { stepwise: true }),
    fn('strings.quote', [overload('strings_quote', [S], S, quoted)]),
  ],
};
