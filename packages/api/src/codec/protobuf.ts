export function encodeProtobuf(_object: object): Buffer {
  throw new Error('not yet');
}
