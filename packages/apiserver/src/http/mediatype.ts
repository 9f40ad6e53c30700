import { StatusError } from '@keelson/api/errors';

const TOKEN = "[\\w!#$%&'*+.^`{|}~-]+";
const PARAMETER = new RegExp(`^\\s*;\\s*(${TOKEN})\\s*=\\s*(?:${TOKEN}|"(?:[^"\\\\\\r\\n]|\\\\.)*")`);
/** Behind the last parameter. */
const END = /^\s*(?:;\s*)?$/;

/**
 * `type/subtype` of a Content-Type, in lower case (RFC 9110, 8.3.1), as Go's mime.ParseMediaType reads it.
 * @returns undefined where its parameters are malformed, or one comes twice
 */
export function mediaTypeOf(header: string): string | undefined {
  const [type = ''] = header.split(';', 1);
  const names = new Set<string>();
  let rest = header.slice(type.length);
  for (let found = PARAMETER.exec(rest); found; found = PARAMETER.exec(rest)) {
    const name = found[1]!.toLowerCase();
    if (names.has(name)) return undefined;
    names.add(name);
    rest = rest.slice(found[0].length);
  }
  return END.test(rest) ? type.trim().toLowerCase() : undefined;
}

/** `type/subtype` of a Content-Type as it stands, whatever comes behind it. */
export function bareType(header: string): string {
  return header.split(';', 1)[0]!.trim();
}

/** 415 for a body of another type. */
export function unknownFormat(accepted: readonly string[]): StatusError {
  const types = accepted.join(', ');
  return new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${types}`,
  );
}
