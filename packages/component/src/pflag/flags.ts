import { closestMatch } from 'leven';
import { quote } from '../go/strconv.ts';
import { type FlagType, type FlagTypeName, type FlagValue, flagTypes } from './types.ts';

/** One flag of a command. */
export interface FlagDefinition {
  readonly type: FlagTypeName;
  /** The heading it stands under in the help. */
  readonly section: string;
  /** In the syntax of the command line; without it the type's zero value. */
  readonly default?: string;
  /** One letter. */
  readonly shorthand?: string;
  /** Those that there are, where they are few; others are the command's to refuse. */
  readonly values?: readonly string[];
  /** Still works, prints a line when used, and is not in the help. */
  readonly deprecated?: boolean;
}

/** The flags of a command by name. */
export type FlagTable = Readonly<Record<string, FlagDefinition>>;

/** The value of every flag of a table, given or default. */
export type FlagValues<T extends FlagTable> = { readonly [N in keyof T]: FlagValue<T[N]['type']> };

export interface ParsedFlags<T extends FlagTable> {
  readonly values: FlagValues<T>;
  /** The flags that the command line gave (pflag's Changed). */
  readonly given: ReadonlySet<keyof T & string>;
  /** What is no flag, in order. */
  readonly args: readonly string[];
}

/** The command line is wrong; the message is pflag's. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
  /** What may have been meant. */
  readonly meant: string | undefined;
  constructor(message: string, meant?: string) {
    super(message);
    this.meant = meant;
  }
}

/** For words that nobody knows: the one that was meant, where one is like it (as spf13/cobra suggests them). */
export function meantBy(word: string, known: readonly string[]): string | undefined {
  const starting = word.length > 1 ? known.filter((each) => each.startsWith(word)) : [];
  return starting.length === 1 ? starting[0] : closestMatch(word, known, { maxDistance: word.length < 5 ? 1 : 2 });
}

/**
 * Reads a command line in the syntax of spf13/pflag: `--x=v`, `--x v`, `--flag`, `-v2`, `-v 2`, `-v=2`, `--` ends the
 * flags, flags and arguments may be mixed, `_` in a name means `-`.
 * @throws FlagError
 */
export function parseFlags<T extends FlagTable>(table: T, argv: readonly string[]): ParsedFlags<T> {
  const flags = indexFlags(table);
  const given = new Map<string, unknown>();
  const args: string[] = [];
  const rest = [...argv];

  const set = (flag: Flag, text: string) => {
    try {
      given.set(flag.name, flag.type.parse(text, given.get(flag.name)));
    } catch (error) {
      const name = flag.shorthand === undefined ? `--${flag.name}` : `-${flag.shorthand}, --${flag.name}`;
      throw new FlagError(`invalid argument ${quote(text)} for ${quote(name)} flag: ${(error as Error).message}`);
    }
  };

  const long = (argument: string) => {
    if (/^--[-=]/.test(argument)) throw new FlagError(`bad flag syntax: ${argument}`);
    const at = argument.indexOf('=');
    const name = argument.slice(2, at < 0 ? undefined : at);
    const flag = flags.long.get(name.replaceAll('_', '-'));
    if (flag === undefined) {
      const meant = meantBy(name, [...flags.long.keys()]);
      throw new FlagError(`unknown flag: --${name}`, meant && `--${meant}`);
    }
    const text = at >= 0 ? argument.slice(at + 1) : (flag.type.implied ?? rest.shift());
    if (text === undefined) throw new FlagError(`flag needs an argument: --${name}`);
    set(flag, text);
  };

  const short = (argument: string) => {
    let letters = argument.slice(1);
    while (letters !== '') {
      const letter = letters[0]!;
      const flag = flags.short.get(letter);
      if (flag === undefined) throw new FlagError(`unknown shorthand flag: '${letter}' in -${letters}`);
      const attached = letters.length > 2 && letters[1] === '=' ? letters.slice(2) : undefined;
      if (attached === undefined && flag.type.implied !== undefined) {
        set(flag, flag.type.implied);
        letters = letters.slice(1);
        continue;
      }
      const text = attached ?? (letters.length > 1 ? letters.slice(1) : rest.shift());
      if (text === undefined) throw new FlagError(`flag needs an argument: '${letter}' in -${letters}`);
      set(flag, text);
      return;
    }
  };

  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') args.push(...rest.splice(0));
    else if (argument.startsWith('--')) long(argument);
    else if (argument.startsWith('-') && argument !== '-') short(argument);
    else args.push(argument);
  }

  const values = Object.fromEntries(
    [...flags.long.values()].map((flag) => [flag.name, given.get(flag.name) ?? flag.default()]),
  );
  return { values: values as FlagValues<T>, given: new Set(given.keys()), args };
}

/** A flag as `--name=value`, in the syntax that {@link parseFlags} reads back. */
export function showFlag(table: FlagTable, name: string, value: unknown): string {
  return `--${name}=${typeOf(table[name]!).format(value)}`;
}

/** The values of all flags as text, by name. */
export function flagTexts(table: FlagTable, values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.keys(table).map((name) => [name, typeOf(table[name]!).text(values[name])]));
}

interface Flag extends Pick<FlagDefinition, 'shorthand'> {
  readonly name: string;
  readonly type: FlagType<unknown>;
  default(): unknown;
}

const typeOf = (definition: FlagDefinition) => flagTypes[definition.type] as FlagType<unknown>;

function indexFlags(table: FlagTable): { long: Map<string, Flag>; short: Map<string, Flag> } {
  const long = new Map<string, Flag>();
  const short = new Map<string, Flag>();
  for (const [name, definition] of Object.entries(table)) {
    const type = typeOf(definition);
    const { shorthand, default: text } = definition;
    const flag: Flag = {
      name,
      type,
      shorthand,
      default: () => (text === undefined ? type.zero : type.parse(text, undefined)),
    };
    long.set(name, flag);
    if (shorthand !== undefined) short.set(shorthand, flag);
  }
  return { long, short };
}
