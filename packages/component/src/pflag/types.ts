import { isIPv4, isIPv6 } from 'node:net';
import { readRecord, writeRecord } from '../go/csv.ts';
import { formatDuration, parseDuration } from '../go/duration.ts';
import { parseBool, parseFloat64, parseInteger, parseUnsigned, quote } from '../go/strconv.ts';
import type { ModuleLevel } from '../logs/verbosity.ts';
import type { NamedCertKey, PortRange } from './values.ts';
import { checkQuantity, parseNamedCertKey, parsePortRange, parseVmodule, splitPairs } from './values.ts';

/** How one type of flag reads and shows its value. */
export interface FlagType<T> {
  /** The word shown after the flag's name in the help; '' shows none. */
  readonly label: string;
  /** The value of a flag that has no default and was not given. */
  readonly zero: T;
  /** What `--flag` without a value means (pflag's NoOptDefVal); undefined: a value is required. */
  readonly implied?: string;
  /**
   * @param before what earlier occurrences on the same command line made; lists and maps add to it
   * @throws Error with the text that pflag prints behind `invalid argument … flag:`
   */
  parse(text: string, before: T | undefined): T;
  /** The value as text (pflag's Value.String). */
  text(value: T): string;
  /** The value as the help's default and `--v=1` logs show it; '' when it is the zero value. */
  format(value: T): string;
}

const scalar = <T>(
  label: string,
  zero: T,
  parse: (text: string) => T,
  text = (value: T) => String(value),
  shown = text,
): FlagType<T> => ({
  label,
  zero,
  parse,
  text,
  format: (value) => (value === zero ? '' : shown(value)),
});

const list = <T>(
  label: string,
  parse: (text: string) => readonly T[],
  text: (values: readonly T[]) => string,
): FlagType<readonly T[]> => ({
  label,
  zero: [],
  parse: (given, before = []) => [...before, ...parse(given)],
  text,
  format: (values) => (values.length === 0 ? '' : text(values)),
});

const map = <T>(
  label: string,
  parse: (text: string) => Iterable<readonly [string, T]>,
  separator = '=',
): FlagType<ReadonlyMap<string, T>> => {
  const text = (values: ReadonlyMap<string, T>) =>
    [...values]
      .map(([key, value]) => `${key}${separator}${value}`)
      .sort()
      .join(',');
  return {
    label,
    zero: new Map(),
    parse: (given, before) => new Map([...(before ?? []), ...parse(given)]),
    text,
    format: text,
  };
};

const LESS = { separator: '<' };

const brackets = (fields: readonly unknown[]) => `[${fields.length === 0 ? '' : writeRecord(fields.map(String))}]`;

const multimapText = (values: ReadonlyMap<string, readonly string[]>) =>
  [...values.keys()]
    .sort()
    .flatMap((key) => values.get(key)!.map((value) => `${key}:${value}`))
    .join(',');

const multimap: FlagType<ReadonlyMap<string, readonly string[]>> = {
  label: 'colonSeparatedMultimapStringString',
  zero: new Map(),
  parse(text, before) {
    const values = new Map(before);
    for (const pair of text.split(',').filter((part) => part !== '')) {
      const at = pair.indexOf(':');
      const key = pair.slice(0, Math.max(at, 0)).trim();
      values.set(key, [...(values.get(key) ?? []), pair.slice(at + 1).trim()]);
    }
    return values;
  },
  text: multimapText,
  format: multimapText,
};

/** The flag types of the Kubernetes components, by the name that a {@link FlagDefinition} gives. */
export const flagTypes = {
  bool: { ...scalar('', false, parseBool), implied: 'true' },
  string: scalar('string', '', (text) => text, String, quote),
  int: scalar('int', 0, (text) => parseInteger(text, 64)),
  int32: scalar('int32', 0, (text) => parseInteger(text, 32)),
  float: scalar('float', 0, (text) => parseFloat64(text, 64)),
  float32: scalar('float32', 0, (text) => parseFloat64(text, 32)),
  /** Milliseconds. */
  duration: scalar('duration', 0, parseDuration, formatDuration),
  /** '' when not given. An empty text leaves what was there. */
  ip: {
    ...scalar('ip', '', parseIp, (address) => address || '<nil>'),
    parse: (text, before = '') => (text === '' ? before : parseIp(text)),
  } as FlagType<string>,
  /** Comma-separated, quoted as CSV. */
  strings: list('strings', readRecord, brackets),
  /** One element for each occurrence; commas are part of it. */
  stringArray: list('stringArray', (text) => [text], brackets),
  int32Slice: list('int32Slice', (text) => text.split(',').map((part) => parseInteger(part, 32)), brackets),
  namedCertKey: list<NamedCertKey>(
    'namedCertKey',
    (text) => [parseNamedCertKey(text)],
    (values) => `[${values.map((v) => v.text).join(';')}]`,
  ),
  mapStringString: map<string>('mapStringString', (text) => splitPairs(text)),
  /** One pair for each occurrence; commas are part of the value. */
  mapStringStringNoSplit: map<string>('mapStringString', (text) => splitPairs(text, { isOnePair: true })),
  langleSeparatedMapStringString: map<string>('mapStringString', (text) => splitPairs(text, LESS), LESS.separator),
  /** Pairs whose `=value` may be left out. */
  configurationMap: map<string>('mapStringString', (text) => splitPairs(text, { isValueOptional: true })),
  mapStringBool: map<boolean>('mapStringBool', (text) =>
    splitPairs(text, { value: 'bool' }).map(([key, value]) => [key, boolOf(key, value)]),
  ),
  stringToString: map<string>('stringToString', stringPairs),
  colonSeparatedMultimapStringString: multimap,
  portRange: scalar<PortRange | undefined>('portRange', undefined, parsePortRange, (range) =>
    range ? `${range.first}-${range.last}` : '',
  ),
  /** The text, checked: a Kubernetes quantity. */
  quantity: scalar('quantity', '', checkQuantity, (text) => text || '0'),
  level: scalar('Level', 0, (text) => parseUnsigned(text, 31)),
  vmodule: list<ModuleLevel>('pattern=N,...', parseVmodule, (values) =>
    values.map((v) => `${v.pattern}=${v.level}`).join(','),
  ),
  /** 'false', 'true', 'raw', or the version to report (`v1.2.3…`). */
  version: {
    ...scalar('version', 'false', (text) => (/^(raw|v.*)$/.test(text) ? text : String(parseBool(text)))),
    implied: 'true',
  },
} satisfies Record<string, unknown>;

export type FlagTypeName = keyof typeof flagTypes;

/** The value that a flag of the named type has once it is parsed. */
export type FlagValue<N extends FlagTypeName> = (typeof flagTypes)[N] extends FlagType<infer T> ? T : never;

function parseIp(text: string): string {
  const address = text.trim();
  if (isIPv4(address) || (isIPv6(address) && !address.includes('%'))) return address;
  throw new Error(`failed to parse IP: ${quote(text)}`);
}

function boolOf(key: string, value: string): boolean {
  try {
    return parseBool(value);
  } catch (error) {
    throw new Error(`invalid value of ${key}: ${value}, err: ${(error as Error).message}`);
  }
}

function stringPairs(text: string): [string, string][] {
  const equals = text.split('=').length - 1;
  const pairs = equals === 1 ? [text.replace(/^"+|"+$/g, '')] : equals === 0 ? [text] : readRecord(text);
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 0) throw new Error(`${pair} must be formatted as key=value`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}
