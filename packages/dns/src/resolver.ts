/** Answers one message. */
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type OptAnswer,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
} from 'dns-packet';
import type { Cache } from './cache.ts';
import type { Forwarder, Protocol } from './forward.ts';
import { failure, isResponse, isWhole, RCODES, truncated } from './message.ts';
import type { DnsMetrics } from './metrics.ts';
import type { Found, Zone } from './zone.ts';

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  readonly cache: Cache;
  readonly metrics: DnsMetrics;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What a client takes by UDP that does not say (RFC 1035), and the most that is sent to one that does (no fragments). */
const [SMALL, LARGE] = [512, 1_232];
/** Of names that lead to names. */
const MAX_ALIASES = 8;

type Records = { rcode: number; answers: readonly Answer[]; additionals?: readonly Answer[] };

export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /**
   * @param isReady whether the zone knows all names
   * @returns undefined for what is no question. Never throws.
   */
  async answer(query: Buffer, protocol: Protocol, isReady = true): Promise<Buffer | undefined> {
    if (!isWhole(query) || isResponse(query)) return undefined;
    if (!isReady) return failure(query, RCODES.serverFailure);
    const { requests, responses } = this.#options.metrics;
    let packet: DecodedPacket;
    try {
      packet = decode(query);
    } catch {
      return failure(query, RCODES.formatError);
    }
    const question = packet.questions?.[0];
    requests.with(protocol, knownType(question?.type)).inc();
    const answer = await this.#answer(query, packet, question, protocol).catch(() =>
      failure(query, RCODES.serverFailure),
    );
    responses.with(String(answer[3]! & 0x0f)).inc();
    const most = protocol === 'tcp' ? Number.POSITIVE_INFINITY : sizeOf(packet);
    return answer.length > most ? truncated(answer) : answer;
  }

  async #answer(
    query: Buffer,
    packet: DecodedPacket,
    question: Question | undefined,
    protocol: Protocol,
  ): Promise<Buffer> {
    if ((query[2]! & 0x78) !== 0) return failure(query, RCODES.notImplemented);
    if (question === undefined || packet.questions?.length !== 1) return failure(query, RCODES.formatError);
    if (question.type === 'AXFR' || question.type === 'IXFR') return failure(query, RCODES.refused);
    const found = this.#options.zone.look(question);
    if (found.status === 'elsewhere') return this.#elsewhere(query, protocol);
    const { rcode, answers, additionals = [] } = await this.#records(question, found, 0);
    return encode({
      type: 'response',
      id: packet.id ?? 0,
      flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((packet.flags ?? 0) & RECURSION_DESIRED) | rcode,
      questions: [question],
      answers: this.#turned(answers),
      authorities: answers.length === 0 ? [this.#options.zone.authority] : [],
      additionals: [...additionals, ...extension(packet)],
    });
  }

  async #records(question: Question, found: Exclude<Found, { status: 'elsewhere' }>, depth: number): Promise<Records> {
    if (found.status === 'missing') return { rcode: RCODES.nameError, answers: [] };
    if (found.status === 'found') return { rcode: RCODES.noError, ...found };
    if (question.type === 'CNAME' || depth >= MAX_ALIASES) return { rcode: RCODES.noError, answers: [found.answer] };
    const next = { ...question, name: found.target };
    const there = this.#options.zone.look(next);
    const more = there.status === 'elsewhere' ? await this.#ask(next) : await this.#records(next, there, depth + 1);
    return { rcode: more.rcode, answers: [found.answer, ...more.answers] };
  }

  /** What another server says of a name that one of the cluster's stands for. */
  async #ask(question: Question): Promise<Records> {
    const query = encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [question] });
    try {
      const packet = decode(await this.#elsewhere(query, 'udp'));
      return { rcode: (packet.flags ?? 0) & 0x0f, answers: packet.answers ?? [] };
    } catch {
      return { rcode: RCODES.noError, answers: [] };
    }
  }

  async #elsewhere(query: Buffer, protocol: Protocol): Promise<Buffer> {
    const { cache, forwarder, metrics } = this.#options;
    const known = cache.get(query, protocol);
    metrics.cache.with(known ? 'hit' : 'miss').inc();
    if (known) return known;
    const answer = await forwarder.forward(query, protocol);
    cache.put(query, protocol, answer);
    return answer;
  }

  /** Another one comes first each time, for clients that take the first. An alias stays in front of what it leads to. */
  #turned(answers: readonly Answer[]): Answer[] {
    const first = answers.findIndex(({ type }) => type !== 'CNAME');
    if (first < 0) return [...answers];
    const records = answers.slice(first);
    const turn = Math.floor(this.#options.random() * records.length);
    return [...answers.slice(0, first), ...records.slice(turn), ...records.slice(0, turn)];
  }
}

const optionOf = ({ additionals = [] }: DecodedPacket) =>
  additionals.find((record): record is OptAnswer => record.type === 'OPT');

const sizeOf = (packet: DecodedPacket) => Math.min(LARGE, Math.max(SMALL, optionOf(packet)?.udpPayloadSize ?? SMALL));

/** Who speaks EDNS is answered so (RFC 6891, 7). */
function extension(packet: DecodedPacket): Answer[] {
  if (optionOf(packet) === undefined) return [];
  return [
    {
      type: 'OPT',
      name: '.',
      udpPayloadSize: LARGE,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    },
  ];
}

/** A label that clients cannot make many of. */
const knownType = (type = 'none') => (/^(A|AAAA|CNAME|MX|NS|PTR|SOA|SRV|TXT|HTTPS)$/.test(type) ? type : 'other');
