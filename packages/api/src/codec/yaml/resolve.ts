/** What type a plain YAML scalar has (go.yaml.in/yaml/v2: YAML 1.1, but without base 60). */
import { decodeBase64 } from '../base64.ts';
import { YamlError } from './cursor.ts';
import type { ScalarNode } from './parser.ts';

export type Scalar = null | boolean | number | bigint | string;

export interface Resolved {
  readonly type: 'str' | 'bool' | 'null' | 'int' | 'float' | 'merge' | 'timestamp';
  /** An int beyond the safe integers is a bigint; a timestamp stays a string. */
  readonly value: Scalar;
}

const words = (value: Scalar, type: Resolved['type'], list: string): [string, Resolved][] =>
  list.split(' ').map((word) => [word, { type, value }]);

const WORDS = new Map<string, Resolved>([
  ...words(true, 'bool', 'y Y yes Yes YES true True TRUE on On ON'),
  ...words(false, 'bool', 'n N no No NO false False FALSE off Off OFF'),
  ...words(null, 'null', '~ null Null NULL'),
  ['', { type: 'null', value: null }],
  ...words(Number.NaN, 'float', '.nan .NaN .NAN'),
  ...words(Number.POSITIVE_INFINITY, 'float', '.inf .Inf .INF +.inf +.Inf +.INF'),
  ...words(Number.NEGATIVE_INFINITY, 'float', '-.inf -.Inf -.INF'),
  ['<<', { type: 'merge', value: '<<' }],
]);

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MIN = -(2n ** 63n);
/** Of 64 bits, in binary. */
const MAX_DIGITS = 64;

const LETTERS_FIRST = /^[A-Za-z_][\w./-]*$/;

/** Whether a text needs no look to be known for a string that is written as it is: letters, digits and a few signs. */
export function isPlainWord(text: string): boolean {
  return LETTERS_FIRST.test(text) && !WORDS.has(text);
}

export function resolvePlain(text: string): Resolved {
  const word = WORDS.get(text);
  if (word) return word;
  if (!/^[-+.0-9]/.test(text)) return { type: 'str', value: text };
  if (isTimestamp(text)) return { type: 'timestamp', value: text };
  const digits = text.startsWith('.') ? text : text.replaceAll('_', '');
  const int = parseInteger(digits);
  if (int !== undefined) return { type: 'int', value: int };
  if (FLOAT.test(digits) && Number.isFinite(Number(digits))) return { type: 'float', value: Number(digits) };
  return { type: 'str', value: text };
}

/** An int64 or uint64 in Go's notation: `12`, `-0x1f`, `0o17`, `017`, `0b11`. */
function parseInteger(text: string): number | bigint | undefined {
  const match = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))$/.exec(text);
  if (!match) return undefined;
  const [, sign, hex, octal, binary, decimal] = match;
  // Large integers take more than their length to read.
  if ((hex ?? octal ?? binary ?? decimal!).replace(/^0+/, '').length > MAX_DIGITS) return undefined;
  const size = BigInt(hex ? `0x${hex}` : octal ? `0o${octal}` : binary ? `0b${binary}` : decimal!);
  const value = sign === '-' ? -size : size;
  // A uint64 takes no sign at all.
  if (value < INT64_MIN || value > (sign === '' ? UINT64_MAX : -INT64_MIN - 1n)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const TIMESTAMP =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:([Tt])(\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)| (\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?)?$/;

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (!match) return false;
  const [, year, month, day, , h1, m1, s1, h2, m2, s2] = match;
  const [hour, minute, second] = [Number(h1 ?? h2 ?? 0), Number(m1 ?? m2 ?? 0), Number(s1 ?? s2 ?? 0)];
  const date = new Date(Date.UTC(Number(year) + 400, Number(month) - 1, Number(day)));
  const isDate = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return isDate && hour < 24 && minute < 60 && second < 60;
}

const LONG = 'tag:yaml.org,2002:';

/** The value of a scalar, as its tag or its looks say. @throws YamlError where they contradict each other */
export function resolveScalar(node: ScalarNode): Scalar {
  const { value, tag, plain } = node;
  if (tag === '') return plain ? resolvePlain(value).value : value;
  if (tag === `${LONG}binary`) return decodeBinary(node);
  const wanted = tag.startsWith(LONG) ? tag.slice(LONG.length) : '';
  if (wanted === 'str' || !['bool', 'int', 'float', 'null', 'timestamp'].includes(wanted)) return value;
  const found = resolvePlain(value);
  if (found.type === wanted) return found.value;
  if (wanted === 'float' && found.type === 'int') return Number(found.value);
  const kind = `cannot decode !!${found.type} as a !!${wanted}`;
  throw new YamlError(`cannot decode !!${found.type} \`${value}\` as a !!${wanted}`, node, kind);
}

function decodeBinary(node: ScalarNode): string {
  try {
    return decodeBase64(node.value).toString('utf8');
  } catch {
    throw new YamlError('!!binary value contains invalid base64 data', node);
  }
}
