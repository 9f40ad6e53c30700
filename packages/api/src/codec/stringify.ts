/** JSON text; a bigint is written as the integer that it is. */
export function stringify(value: unknown, indent = 0): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? rawJson(String(v)) : v), indent);
  }
}

/** Until TypeScript's library knows it. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };
