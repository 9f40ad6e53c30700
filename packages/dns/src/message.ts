/** Messages as bytes (RFC 1035, 4): what is needed of them without reading all. */

const HEADER = 12;
const POINTER = 0xc0;
const TYPE_OPT = 41;
const TRUNCATED = 0x02;
/** Of a question, behind its name. */
const QUESTION_TAIL = 4;
/** Of a record, behind its name: type, class, TTL, length. */
const RECORD_HEAD = 10;

export const RCODES = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;

export const isWhole = (message: Buffer): boolean => message.length >= HEADER;
export const isResponse = (message: Buffer): boolean => (message[2]! & 0x80) !== 0;
export const isTruncated = (message: Buffer): boolean => (message[2]! & TRUNCATED) !== 0;
export const rcodeOf = (message: Buffer): number => message[3]! & 0x0f;

/** A copy with another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id);
  return copy;
}

/** The answer to a message that cannot be answered: its header and its question, where it has one that can be read. */
export function failure(query: Buffer, rcode: number, flags = 0): Buffer {
  const end = endOfQuestions(query);
  const answer = Buffer.from(query.subarray(0, end ?? HEADER));
  answer[2] = 0x80 | (query[2]! & 0x79) | flags;
  answer[3] = 0x80 | rcode;
  answer.fill(0, end === undefined ? 4 : 6, HEADER);
  return answer;
}

/** The answer without its records, that says that there is more by TCP. */
export const truncated = (answer: Buffer): Buffer => failure(answer, rcodeOf(answer), TRUNCATED | (answer[2]! & 0x04));

/** Whether an answer is to that question: by its id and by the bytes of the question. */
export function answers(answer: Buffer, query: Buffer): boolean {
  const end = endOfQuestions(query);
  if (end === undefined || answer.length < end || !isResponse(answer)) return false;
  return (
    answer.readUInt16BE() === query.readUInt16BE() && answer.subarray(HEADER, end).equals(query.subarray(HEADER, end))
  );
}

/** Where the times to live of a message's records stand; undefined where it is broken. */
export function ttlOffsets(message: Buffer): number[] | undefined {
  let at = endOfQuestions(message);
  if (at === undefined) return undefined;
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const offsets: number[] = [];
  for (let i = 0; i < records; i++) {
    at = endOfName(message, at);
    if (at === undefined || at + RECORD_HEAD > message.length) return undefined;
    if (message.readUInt16BE(at) !== TYPE_OPT) offsets.push(at + 4);
    at += RECORD_HEAD + message.readUInt16BE(at + 8);
  }
  return at > message.length ? undefined : offsets;
}

function endOfQuestions(message: Buffer): number | undefined {
  let at: number | undefined = HEADER;
  for (let i = message.readUInt16BE(4); i > 0; i--) {
    at = endOfName(message, at);
    if (at === undefined || at + QUESTION_TAIL > message.length) return undefined;
    at += QUESTION_TAIL;
  }
  return at;
}

function endOfName(message: Buffer, start: number): number | undefined {
  for (let at = start; at < message.length; ) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length >= POINTER) return at + 2;
    at += 1 + length;
  }
  return undefined;
}
