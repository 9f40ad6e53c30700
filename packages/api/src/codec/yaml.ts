export function encodeYaml(object: object): Buffer {
  return Buffer.from(JSON.stringify(object));
}
