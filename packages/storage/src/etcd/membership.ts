import { type Clock, systemClock } from '@keelson/api/clock';
import { Connection } from './connection.ts';
import { translate } from './errors.ts';
import { type EtcdMemberMessage, etcd } from './messages.ts';
import type { TlsPaths } from './tls-files.ts';

/** A member of an etcd cluster as the cluster knows it. */
export interface Member {
  /** In hexadecimal, as etcdctl shows it. */
  readonly id: string;
  /** Empty as long as it has not started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** Whether it follows without a vote. */
  readonly isLearner: boolean;
}

export interface MembershipOptions extends TlsPaths {
  /** URLs of any of the members. */
  readonly endpoints: readonly string[];
  /** The longest that one request may take, other members asked included. */
  readonly timeoutMs: number;
  readonly clock?: Clock;
  /** In [0, 1). Default: Math.random. */
  readonly random?: () => number;
}

/** Who belongs to an etcd cluster (etcdserverpb.Cluster). All throw what etcd says, or StoreUnavailableError where none answers. */
export class Membership {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws StoreUnavailableError if the TLS files can't be used */
  static async open({
    timeoutMs,
    clock = systemClock,
    random = Math.random,
    ...rest
  }: MembershipOptions): Promise<Membership> {
    const options = { ...rest, requestTimeoutMs: timeoutMs, maxMessageBytes: 4 << 20, clock, random };
    return new Membership(await Connection.open(options));
  }

  /** All members, by the word of a majority. */
  async list(): Promise<Member[]> {
    const { members } = await this.#call(etcd.memberList, { linearizable: true }, true);
    return members.map(memberOf);
  }

  /** Adds one that has no vote yet; it can be started now. @returns all members */
  async addLearner(peerUrl: string): Promise<Member[]> {
    const { members } = await this.#call(etcd.memberAdd, { peerURLs: [peerUrl], isLearner: true }, false);
    return members.map(memberOf);
  }

  /** Gives a learner its vote, once it has what the others have. */
  async promote(id: string): Promise<void> {
    await this.#call(etcd.memberPromote, { ID: decimal(id) }, true);
  }

  async remove(id: string): Promise<void> {
    await this.#call(etcd.memberRemove, { ID: decimal(id) }, false);
  }

  /** What the member that answers has to complain of. */
  async problems(): Promise<readonly string[]> {
    return (await this.#call(etcd.status, {}, true)).errors;
  }

  close(): void {
    this.#connection.close();
  }

  async #call<Request, Response>(
    method: Parameters<typeof Connection.prototype.call<Request, Response>>[0],
    request: Request,
    repeatable: boolean,
  ): Promise<Response> {
    const { endpoint } = this.#connection;
    try {
      return await this.#connection.call(method, request, { repeatable });
    } catch (error) {
      throw translate(error, endpoint);
    }
  }
}

function memberOf({ ID, name, peerURLs, clientURLs, isLearner }: EtcdMemberMessage): Member {
  return {
    id: BigInt(ID.toString()).toString(16),
    name,
    peerUrls: peerURLs,
    clientUrls: clientURLs,
    isLearner,
  };
}

/** Numbers of 64 bits are handed over in decimal. */
const decimal = (id: string) => BigInt(`0x${id}`).toString();
