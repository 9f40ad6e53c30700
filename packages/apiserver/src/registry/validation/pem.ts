/** PEM as Go reads it (encoding/pem, RFC 1421). */

export interface PemBlock {
  /** `CERTIFICATE` */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly der: Buffer;
}

export interface PemData {
  readonly blocks: readonly PemBlock[];
  /** What follows the last block, or everything when there is none. */
  readonly rest: string;
  /** True when something other than blank lines stands before a block. */
  readonly interleaved: boolean;
}

const BEGIN = /(?:^|\n)-----BEGIN ([^\n]*?)-----[ \t\r]*\n/g;

/** Every well-formed block, in order; malformed ones are skipped. */
export function readPem(text: string): PemData {
  const blocks: PemBlock[] = [];
  let end = 0;
  let interleaved = false;
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin; begin = BEGIN.exec(text)) {
    const type = begin[1]!;
    const block = readBlock(text, BEGIN.lastIndex, type);
    if (!block) {
      BEGIN.lastIndex -= 1;
      continue;
    }
    interleaved ||= text.slice(end, begin.index).trim() !== '';
    blocks.push({ type, headers: block.headers, der: block.der });
    end = block.end;
    BEGIN.lastIndex = Math.max(end - 1, begin.index + 1);
  }
  return { blocks, rest: text.slice(end), interleaved };
}

function readBlock(
  text: string,
  start: number,
  type: string,
): { headers: Record<string, string>; der: Buffer; end: number } | undefined {
  const marker = `-----END ${type}-----`;
  const at = text.startsWith(marker, start) ? start : text.indexOf(`\n${marker}`, start - 1) + 1;
  if (at <= 0) return undefined;
  const after = /^[ \t\r]*(?:\n|$)/.exec(text.slice(at + marker.length));
  if (!after) return undefined;
  const headers: Record<string, string> = {};
  let body = text.slice(start, at);
  for (let line = /^([^\n:]*):([^\n]*)(?:\n|$)/.exec(body); line; line = /^([^\n:]*):([^\n]*)(?:\n|$)/.exec(body)) {
    headers[line[1]!.trim()] = line[2]!.trim();
    body = body.slice(line[0].length);
  }
  const base64 = body.replace(/[ \t\r\n]/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return undefined;
  return { headers, der: Buffer.from(base64, 'base64'), end: at + marker.length + after[0].length };
}
