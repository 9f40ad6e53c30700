/** Encodings that the documents need: Go's JSON, and the hash by which shared parameters are named. */
import { stringify } from '@keelson/api/codec/stringify';

const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON as Go's encoding/json writes it, with `<`, `>` and `&` escaped. */
export function goJson(value: unknown): string {
  return stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => ESCAPES[c]!);
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1 with 64 bits, big-endian. */
export function fnv64(text: string): Buffer {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, hash * FNV_PRIME) ^ BigInt(byte);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(hash);
  return bytes;
}

/** YAML in the block style of Go's yaml.v3, with a line feed at its end. */
export function goYaml(value: unknown): string {
  return `${yamlLines(value, 0).join('\n')}\n`;
}

/** Nested blocks are indented to the next column that four divides. @param column where the value itself stands */
function yamlLines(value: unknown, column: number): string[] {
  if (isEmpty(value)) return [typeof value === 'string' ? yamlString(value) : stringify(value)];
  if (Array.isArray(value)) return value.flatMap((item) => hang('- ', yamlLines(item, column + 2)));
  const indent = 4 - (column % 4);
  return Object.entries(value as object).flatMap(([key, entry]) => {
    const lines = yamlLines(entry, column + indent);
    if (isEmpty(entry)) return hang(`${yamlString(key)}: `, lines);
    return [`${yamlString(key)}:`, ...lines.map((line) => ' '.repeat(indent) + line)];
  });
}

/** Whether the value is written on the line of its key. */
function isEmpty(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}

function hang(bullet: string, [first = '', ...rest]: readonly string[]): string[] {
  return [bullet + first, ...rest.map((line) => ' '.repeat(bullet.length) + line)];
}

/** What YAML would take for a number, a boolean, a null or a time. */
const OTHER_TYPE = /^$|^(?:true|false|yes|no|on|off|y|n|null|~)$|^[-+.]?[0-9][0-9a-fx_.:+TZ-]*$|^[-+]?\.(?:inf|nan)$/i;
const INDICATOR = /^[-?:](?: |$)|^[,[\]{}#&*!|>'"%@`]|: |:$| #|^ | $/;

function yamlString(text: string): string {
  if (OTHER_TYPE.test(text) || /[^\x20-\x7e\u00a0-\uffff]/.test(text)) return JSON.stringify(text);
  return INDICATOR.test(text) ? `'${text.replaceAll("'", "''")}'` : text;
}
