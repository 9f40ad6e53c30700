import type { Transport, WireRequest, WireResponse } from '../rest/transport.ts';

/** What a test answers: an object, a text that is sent as it is, or parts of it. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string | AsyncIterable<Uint8Array>;
}

/** A transport without a wire: `answer` is asked for each request, and may throw. Keeps what was sent. */
export class FakeTransport implements Transport {
  readonly requests: WireRequest[] = [];
  readonly #answer: (request: WireRequest, index: number) => Answer | Promise<Answer>;

  constructor(answer: (request: WireRequest, index: number) => Answer | Promise<Answer>) {
    this.#answer = answer;
  }

  async send(request: WireRequest): Promise<WireResponse> {
    this.requests.push(request);
    const { status = 200, headers = {}, body = '' } = await this.#answer(request, this.requests.length - 1);
    return {
      status,
      headers,
      body: isBytes(body) ? body : once(typeof body === 'string' ? body : JSON.stringify(body)),
    };
  }

  close(): void {}
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function isBytes(body: object | string): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}
