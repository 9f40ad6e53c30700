import protobuf, { type INamespace, type Type } from 'protobufjs/light.js';
import { etcdDescriptors } from '../generated/etcd-v3.ts';

/** How the library hands out a 64-bit number. */
export type Int64 = number | { toNumber(): number };

/** @returns the number; all that etcd counts here stays below 2^53 */
export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber();
}

/** One remote procedure, by its gRPC path, with its encodings. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly encode: (request: Request) => Buffer;
  readonly decode: (bytes: Buffer) => Response;
}

interface Header {
  readonly revision: Int64;
}

export interface EtcdKeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: Int64;
  readonly mod_revision: Int64;
  readonly version: Int64;
}

export interface RangeRequest {
  readonly key: Buffer;
  /** Exclusive; left out: only `key`. */
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
  readonly serializable?: boolean;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
}

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly EtcdKeyValue[];
  readonly count: Int64;
}

export interface TxnRequest {
  readonly compare: readonly [{ readonly key: Buffer; readonly target: 'MOD'; readonly mod_revision: number }];
  readonly success: readonly [
    | { readonly request_put: { readonly key: Buffer; readonly value: Uint8Array; readonly lease?: number } }
    | { readonly request_delete_range: { readonly key: Buffer } },
  ];
  readonly failure: readonly [{ readonly request_range: RangeRequest }];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range?: RangeResponse | null }[];
}

export type WatchRequest =
  | {
      readonly create_request: {
        readonly watch_id: number;
        readonly key: Buffer;
        readonly range_end: Buffer;
        readonly start_revision: number;
        /** Whether large answers may come in pieces. */
        readonly fragment: true;
      };
    }
  | { readonly cancel_request: { readonly watch_id: number } }
  | { readonly progress_request: Record<string, never> };

export interface WatchResponse {
  readonly header: Header;
  readonly watch_id: Int64;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: Int64;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  /** Of type 0 are puts, of type 1 deletes. */
  readonly events: readonly { readonly type: 0 | 1; readonly kv: EtcdKeyValue }[];
}

/** 64 bits without a sign: more than a number holds. */
export interface EtcdMemberMessage {
  readonly ID: { toString(): string };
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
  readonly isLearner: boolean;
}

interface Members {
  readonly members: readonly EtcdMemberMessage[];
}

interface ById {
  /** In decimal. */
  readonly ID: string;
}

const root = protobuf.Root.fromJSON(etcdDescriptors as INamespace);

function method<Request extends object, Response>(service: string, name: string): Method<Request, Response> {
  const { requestType, responseType } = root.lookupService(`etcdserverpb.${service}`).methods[name]!;
  const request = root.lookupType(`etcdserverpb.${requestType}`);
  const response = root.lookupType(`etcdserverpb.${responseType}`);
  return {
    path: `/etcdserverpb.${service}/${name}`,
    encode: (message) => encode(request, message),
    decode: (bytes) => response.decode(bytes) as Response,
  };
}

function encode(type: Type, message: object): Buffer {
  // Only fromObject() knows enums by their names.
  return type.encode(type.fromObject(message)).finish() as Buffer;
}

export const etcd = {
  range: method<RangeRequest, RangeResponse>('KV', 'Range'),
  txn: method<TxnRequest, TxnResponse>('KV', 'Txn'),
  compact: method<{ readonly revision: number }, { readonly header: Header }>('KV', 'Compact'),
  watch: method<WatchRequest, WatchResponse>('Watch', 'Watch'),
  leaseGrant: method<{ readonly ID: number; readonly TTL: number }, { readonly TTL: Int64 }>('Lease', 'LeaseGrant'),
  status: method<Record<string, never>, { readonly dbSize: Int64; readonly errors: readonly string[] }>(
    'Maintenance',
    'Status',
  ),
  memberList: method<{ readonly linearizable: boolean }, Members>('Cluster', 'MemberList'),
  memberAdd: method<{ readonly peerURLs: readonly string[]; readonly isLearner: boolean }, Members>(
    'Cluster',
    'MemberAdd',
  ),
  memberRemove: method<ById, Members>('Cluster', 'MemberRemove'),
  memberPromote: method<ById, Members>('Cluster', 'MemberPromote'),
};
