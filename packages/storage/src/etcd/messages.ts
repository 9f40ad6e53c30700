import { Messages } from '@keelson/component/grpc/messages';
import { etcdDescriptors } from '../generated/etcd-v3.ts';

/** One remote procedure, by its gRPC path, with its encodings. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly encode: (request: Request) => Buffer;
  readonly decode: (bytes: Buffer) => Response;
}

/** All that etcd counts stays below 2^53 here. */
interface Header {
  readonly revision: number;
}

export interface EtcdKeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
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
  readonly count: number;
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
  readonly watch_id: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: number;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly { readonly type: 'PUT' | 'DELETE'; readonly kv: EtcdKeyValue }[];
}

/** 64 bits without a sign: more than a number holds. */
export interface EtcdMemberMessage {
  readonly ID: number | bigint;
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

const messages = new Messages(etcdDescriptors, { isExact: true });
const PACKAGE = 'etcdserverpb';

function method<Request extends object, Response extends object>(
  service: string,
  name: string,
): Method<Request, Response> {
  const { requestType, responseType } = messages.methods(`${PACKAGE}.${service}`)[name]!;
  const request = messages.message(requestType, PACKAGE);
  const response = messages.message(responseType, PACKAGE);
  return {
    path: `/${PACKAGE}.${service}/${name}`,
    encode: (message) => request.encode(message),
    decode: (bytes) => response.decode(bytes) as Response,
  };
}

export const etcd = {
  range: method<RangeRequest, RangeResponse>('KV', 'Range'),
  txn: method<TxnRequest, TxnResponse>('KV', 'Txn'),
  compact: method<{ readonly revision: number }, { readonly header: Header }>('KV', 'Compact'),
  watch: method<WatchRequest, WatchResponse>('Watch', 'Watch'),
  leaseGrant: method<{ readonly ID: number; readonly TTL: number }, { readonly TTL: number }>('Lease', 'LeaseGrant'),
  status: method<Record<string, never>, { readonly dbSize: number; readonly errors: readonly string[] }>(
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
