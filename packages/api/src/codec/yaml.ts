export function encodeYaml(object: object): Buffer {
  return Buffer.from(JSON.stringify(object));
}

export function decodeYamlDocument(body: Uint8Array): { value: unknown; duplicates: readonly string[] } {
  return { value: JSON.parse(Buffer.from(body).toString('utf8')), duplicates: [] };
}
