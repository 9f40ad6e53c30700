/** The header of a token that somebody else has signed (RFC 7515; plugin.go's validateJWTHeader). */
import { quote } from '@keelson/component/go/strconv';

const ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512'];
const FIELDS = ['alg', 'kid', 'typ'];
export const MAX_KEY_ID_BYTES = 1024;

/** @param header in base64. @returns the id of the key. @throws Error for a header that tokens of service accounts do not have */
export function keyIdOf(header: string): string {
  const { alg = '', kid = '', typ = '' } = fieldsOf(header);
  if (typ !== 'JWT') throw new Error('bad type');
  if (kid === '') throw new Error('key id missing');
  if (Buffer.byteLength(kid) > MAX_KEY_ID_BYTES) throw new Error('key id longer than 1 kb');
  if (!ALGORITHMS.includes(alg)) throw new Error(`bad signing algorithm ${quote(alg)}`);
  return kid;
}

function fieldsOf(header: string): Readonly<Record<string, string>> {
  const stranger = header.search(/[^A-Za-z0-9_-]/);
  if (stranger >= 0) throw new Error(`while unwrapping header: illegal base64 data at input byte ${stranger}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(header, 'base64url').toString());
  } catch (error) {
    throw new Error(`while parsing header JSON: ${(error as Error).message}`);
  }
  if (parsed === null || typeof parsed !== 'object') throw new Error('while parsing header JSON: no object');
  for (const [name, value] of Object.entries(parsed)) {
    if (!FIELDS.includes(name)) throw new Error(`while parsing header JSON: json: unknown field ${quote(name)}`);
    if (typeof value !== 'string')
      throw new Error(
        `while parsing header JSON: json: cannot unmarshal ${typeof value} into Go struct field .${name} of type string`,
      );
  }
  return parsed as Record<string, string>;
}
