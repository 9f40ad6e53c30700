/**
 * Rows as they go out. What a printer makes of an object holds until the object changes, but for how old things are: a row is
 * its text with gaps, which are filled whenever it is written.
 */
import { jsonText } from '@keelson/api/codec/json';
import { Elapsed, type ShownCell } from '../registry/columns.ts';
import type { TableCells } from '../registry/strategy.ts';

export class PrintedRow {
  /** Who made the cells. */
  readonly printer: object;
  readonly #parts: readonly (string | Elapsed)[];

  constructor(printer: object, { cells, conditions }: TableCells) {
    this.printer = printer;
    const parts: (string | Elapsed)[] = [];
    let text = '{"cells":[';
    let separator = '';
    for (const cell of cells) {
      text += separator;
      separator = ',';
      if (cell instanceof Elapsed) {
        parts.push(text, cell);
        text = '';
      } else text += scalarText(cell);
    }
    parts.push(`${text}]${conditions ? `,"conditions":${jsonText(conditions)}` : ''},"object":`);
    this.#parts = parts;
  }

  /** The row's JSON, up to where the object follows. */
  text(now: Date): string {
    let text = '';
    for (const part of this.#parts) text += typeof part === 'string' ? part : scalarText(part.at(now));
    return text;
  }
}

function scalarText(value: ShownCell): string {
  return jsonText([value]).slice(1, -1);
}
