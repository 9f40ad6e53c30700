import { quote } from '../go/strconv.ts';
import type { FlagTable } from './flags.ts';
import { flagTypes } from './types.ts';

/** What a command's help says of its flags, by flag name. */
export type FlagDescriptions = Readonly<Partial<Record<string, string>>>;

/**
 * The help of a table's flags, a heading for each section, in the layout of component-base's PrintSections.
 * @param columns width of the terminal; 0: long lines stay long
 */
export function usage(table: FlagTable, descriptions: FlagDescriptions, columns: number): string {
  const sections = Map.groupBy(
    Object.entries(table).filter(([, flag]) => flag.deprecated !== true),
    ([, flag]) => flag.section,
  );
  return [...sections]
    .map(([section, flags]) => {
      const heads = flags.map(([name, flag]) => head(name, flag));
      const width = Math.max(...heads.map((text) => text.length)) + 3;
      const lines = flags.map(([name, flag], i) =>
        layOut(heads[i]!, `${descriptions[name] ?? ''}${defaultOf(flag)}`.trim(), width, columns),
      );
      return `\n${section} flags:\n\n${lines.join('')}`;
    })
    .join('');
}

function head(name: string, flag: FlagTable[string]): string {
  const { label, implied } = flagTypes[flag.type] as { label: string; implied?: string };
  const shown = label === '' ? '' : ` ${label}${implied === undefined ? '' : `[=${implied}]`}`;
  return `${flag.shorthand === undefined ? '      ' : `  -${flag.shorthand}, `}--${name}${shown}`;
}

function defaultOf(flag: FlagTable[string]): string {
  if (flag.default === undefined) return '';
  return ` (default ${flag.type === 'string' ? quote(flag.default) : flag.default})`;
}

function layOut(left: string, right: string, width: number, columns: number): string {
  if (right === '') return `${left}\n`;
  const narrow = columns > 0 && columns - width < 24;
  const indent = narrow ? 12 : width;
  const lines = columns > 0 ? wrap(right, Math.max(columns - indent, 20)) : [right];
  const first = narrow ? `${left}\n${' '.repeat(indent)}` : left.padEnd(indent);
  return `${first}${lines.join(`\n${' '.repeat(indent)}`)}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
