const bareQuote = 'bare " in non-quoted-field';
const strayQuote = 'extraneous or missing " in quoted-field';

/**
 * The first record of Go's encoding/csv, which is how pflag splits its lists: RFC 4180 with "" for a quote.
 * Blank lines before the record are skipped, what follows it is ignored. An empty text is an empty list.
 * @throws Error with encoding/csv's text
 */
export function readRecord(text: string): string[] {
  if (text === '') return [];
  const [first] = recordsOf(text);
  if (!first) throw new Error('EOF');
  return first;
}

/** All records, each with as many fields as it has. @throws Error with encoding/csv's text, which quotes nothing of what is read */
export function readRecords(text: string): string[][] {
  return [...recordsOf(text)];
}

function* recordsOf(text: string): Generator<string[]> {
  const source = text.replaceAll('\r\n', '\n').replace(/\r$/, '');
  for (let at = 0; at < source.length; at++) {
    if (source[at] === '\n') continue;
    const start = at;
    const fields: string[] = [];
    for (;;) {
      const field = source[at] === '"' ? quotedField(source, start, at) : plainField(source, start, at);
      fields.push(field.value);
      at = field.end;
      if (source[at] !== ',') break;
      at++;
    }
    yield fields;
  }
}

interface Field {
  readonly value: string;
  /** Index of the comma, of the newline, or of the end of the text. */
  readonly end: number;
}

function plainField(source: string, start: number, from: number): Field {
  const value = /[^,\n]*/y;
  value.lastIndex = from;
  const [field] = value.exec(source)!;
  const quoteAt = field.indexOf('"');
  if (quoteAt >= 0) throw parseError(source, start, from + quoteAt, bareQuote);
  return { value: field, end: from + field.length };
}

function quotedField(source: string, start: number, from: number): Field {
  let value = '';
  let at = from + 1;
  for (;;) {
    const quoteAt = source.indexOf('"', at);
    if (quoteAt < 0) throw parseError(source, start, source.length, strayQuote);
    value += source.slice(at, quoteAt);
    const next = source[quoteAt + 1];
    if (next === undefined || next === ',' || next === '\n') return { value, end: quoteAt + 1 };
    if (next !== '"') throw parseError(source, start, quoteAt, strayQuote);
    value += '"';
    at = quoteAt + 2;
  }
}

/** Lines and columns count from 1; columns are bytes. */
function parseError(source: string, start: number, at: number, what: string): Error {
  const lineOf = (index: number) => source.slice(0, index).split('\n').length;
  const column = Buffer.byteLength(source.slice(source.lastIndexOf('\n', at - 1) + 1, at)) + 1;
  const where = `parse error on line ${lineOf(at)}, column ${column}: ${what}`;
  return new Error(lineOf(at) === lineOf(start) ? where : `record on line ${lineOf(start)}; ${where}`);
}

/** A list as encoding/csv writes it, and as pflag shows lists between brackets. */
export function writeRecord(fields: readonly string[]): string {
  return fields.map((field) => (needsQuotes(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}

const needsQuotes = (field: string) => field === '\\.' || /[",\r\n]|^\s/.test(field);
