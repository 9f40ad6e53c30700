/** What Go's JSON decoder says of malformed text. */
export function syntaxError(text: string): string {
  return text === '' ? 'unexpected end of JSON input' : `invalid character '${text[0]}' looking for beginning of value`;
}
