/**
 * Formats of strings (k8s.io/kube-openapi/pkg/validation/strfmt, of those that
 * k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go supports). Dashes in their names do not count.
 */
import { hasLeadingZeros, parseCIDRSloppy, parseIPSloppy } from '@keelson/api/ip';
import { isLongName, isShortName } from '@keelson/api/validation/names';
import { problemOfRequestUri } from '@keelson/cel';
import { parseDuration } from '@keelson/component/go/duration';
import { isMailAddress } from './mail.ts';

/** The format if values of these types are held to it, else empty. */
export function supportedFormat(types: readonly string[], format: string): string {
  const type = types.length === 1 ? types[0] : '';
  if (type === '' || type === 'string') return STRINGS.has(normalized(format)) ? format : '';
  if (type === 'integer') return format === 'int32' || format === 'int64' ? format : '';
  return type === 'number' && (format === 'float' || format === 'double') ? format : '';
}

/** Whether a text is of the format; undefined where the format is none of strings. */
export function isOfFormat(format: string, text: string): boolean | undefined {
  return format === '' ? undefined : STRINGS.get(normalized(format))?.(text);
}

function normalized(format: string): string {
  return format.replaceAll('-', '');
}

const DIGITS = /[^0-9]+/g;
const SPACES_AND_DASHES = /[ \t\n\f\r-]+/g;
const PART = '(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])';
const RGB = new RegExp(`^rgb\\(\\s*${PART}\\s*,\\s*${PART}\\s*,\\s*${PART}\\s*\\)$`);
const LETTER = 'a-zA-Z0-9\\p{S}\\p{L}';
const HOSTNAME = new RegExp(
  `^(?:[${LETTER}](?:-?[${LETTER}]{0,62})?|(?:[${LETTER}](?:[${LETTER}-]{0,61}[${LETTER}])?\\.)+[a-zA-Z\\p{L}]{2,63})$`,
  'u',
);
const CARD =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;

const STRINGS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['bsonobjectid', matching(/^[0-9a-fA-F]{24}$/)],
  ['uri', isUri],
  ['email', isMailAddress],
  ['hostname', isHostname],
  ['ipv4', (text) => text.includes('.') && parseIPSloppy(text) !== undefined],
  ['ipv6', (text) => text.includes(':') && parseIPSloppy(text) !== undefined && !hasLeadingZeros(text)],
  ['cidr', (text) => parseCIDRSloppy(text) !== undefined],
  ['mac', isMac],
  ['uuid', matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)],
  ['uuid3', matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)],
  ['uuid4', matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i)],
  ['uuid5', matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i)],
  ['isbn', (text) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', (text) => text.length === 11 && /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text)],
  ['hexcolor', matching(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ['rgbcolor', matching(RGB)],
  ['byte', isBase64],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['k8sshortname', (text) => isShortName(text).length === 0],
  ['k8slongname', (text) => isLongName(text).length === 0],
]);

function matching(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text);
}

function isUri(text: string): boolean {
  return problemOfRequestUri(text) === undefined;
}

/** A fully qualified name, or one label. Names in any script are fine, symbols too. */
function isHostname(text: string): boolean {
  if (Buffer.byteLength(text) > 255 || !HOSTNAME.test(text)) return false;
  return text.split('.').every((label) => Buffer.byteLength(label) <= 63);
}

/** Of 6, 8 or 20 bytes: `00:00:5e:00:53:01`, `00-00-…`, `0000.5e00.5301`, `00005e005301`. */
function isMac(text: string): boolean {
  const isWritten =
    /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2})*$/i.test(text) ||
    /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i.test(text) ||
    /^[0-9a-f]+$/i.test(text);
  return isWritten && MAC_DIGITS.has(text.replace(/[:.-]/g, '').length);
}
const MAC_DIGITS = new Set([12, 16, 40]);

function isIsbn10(text: string): boolean {
  const digits = text.replace(SPACES_AND_DASHES, '');
  if (!/^(?:\d{9}X|\d{10})$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, i) => total + (i + 1) * (digit === 'X' ? 10 : Number(digit)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(SPACES_AND_DASHES, '');
  if (!/^\d{13}$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, i) => total + (i % 2 === 0 ? 1 : 3) * Number(digit), 0);
  return sum % 10 === 0;
}

/** Numbers of known issuers with a good check digit (ISO/IEC 7812-1). */
function isCreditCard(text: string): boolean {
  const digits = text.replace(DIGITS, '');
  if (!CARD.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Standard encoding with padding; not empty. */
function isBase64(text: string): boolean {
  return text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

/** What follows a second `t` does not matter, and neither does the range of the offset. */
function isDateTime(text: string): boolean {
  const [date = '', time] = text.toLowerCase().split('t');
  if (time === undefined || !isDate(date)) return false;
  const match = /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/u.exec(time);
  return match !== null && match[1]! <= '23' && match[2]! <= '59' && match[3]! <= '59';
}

/** Go's, or a text in which there is something like `3 weeks`. */
function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return isLooseDuration(text);
  }
}

const UNITS = new Set(['ns', 'us', 'µs', 'ms', 's', 'm', 'h', 'hr', 'd', 'w', 'wk']);
const UNIT_WORDS = /^(?:nano|micro|milli|sec|min|hour|day|week)/;
/** From the first digit of a number alone: of one without a unit each other digit would be tried, too. */
const AMOUNTS = /(?<!\d)(\d+)[ \t\n\f\r]*([A-Za-zµ]+)/g;
const MAX_INT = 2n ** 63n - 1n;

function isLooseDuration(text: string): boolean {
  let found = false;
  for (const [, amount, unit] of text.matchAll(AMOUNTS)) {
    if (amount!.length > 18 && BigInt(amount!) > MAX_INT) return false;
    const name = unit!.toLowerCase();
    if (UNITS.has(name) || UNIT_WORDS.test(name)) found = true;
  }
  return found;
}
