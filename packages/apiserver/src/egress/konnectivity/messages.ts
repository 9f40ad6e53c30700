/** The messages of konnectivity servers (sigs.k8s.io/apiserver-network-proxy), as protobuf has them. */
import { Service } from '@keelson/component/grpc/service';

const string = (id: number) => ({ type: 'string', id });
const int64 = (id: number) => ({ type: 'int64', id });

const descriptors = {
  nested: {
    ProxyService: {
      methods: {
        Proxy: { requestType: 'Packet', requestStream: true, responseType: 'Packet', responseStream: true },
      },
    },
    PacketType: {
      values: { DIAL_REQ: 0, DIAL_RSP: 1, CLOSE_REQ: 2, CLOSE_RSP: 3, DATA: 4, DIAL_CLS: 5, DRAIN: 6 },
    },
    Packet: {
      fields: {
        type: { type: 'PacketType', id: 1 },
        dialRequest: { type: 'DialRequest', id: 2 },
        dialResponse: { type: 'DialResponse', id: 3 },
        data: { type: 'Data', id: 4 },
        closeRequest: { type: 'CloseRequest', id: 5 },
        closeResponse: { type: 'CloseResponse', id: 6 },
        closeDial: { type: 'CloseDial', id: 7 },
      },
    },
    DialRequest: { fields: { protocol: string(1), address: string(2), random: int64(3) } },
    DialResponse: { fields: { error: string(1), connectID: int64(2), random: int64(3) } },
    CloseRequest: { fields: { connectID: int64(1) } },
    CloseResponse: { fields: { error: string(1), connectID: int64(2) } },
    CloseDial: { fields: { random: int64(1) } },
    Data: { fields: { connectID: int64(1), error: string(2), data: { type: 'bytes', id: 3 } } },
  },
};

export type PacketType = 'DIAL_REQ' | 'DIAL_RSP' | 'CLOSE_REQ' | 'CLOSE_RSP' | 'DATA' | 'DIAL_CLS' | 'DRAIN';

/** What its type says is there. */
export interface Packet {
  readonly type: PacketType;
  readonly dialRequest?: { readonly protocol: string; readonly address: string; readonly random: number } | null;
  readonly dialResponse?: { readonly error: string; readonly connectID: number; readonly random: number } | null;
  readonly data?: { readonly connectID: number; readonly data: Buffer } | null;
  readonly closeRequest?: { readonly connectID: number } | null;
  readonly closeResponse?: { readonly error: string; readonly connectID: number } | null;
  readonly closeDial?: { readonly random: number } | null;
}

export interface ProxyMethods {
  Proxy: [Packet, AsyncIterable<Packet>];
}

export const proxyService = new Service<ProxyMethods>(descriptors, 'ProxyService');
