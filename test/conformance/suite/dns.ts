/** Names of services and pods (kubernetes/dns, docs/specification.md), for a cluster without a server of them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { type Client, InformerFactory } from '@keelson/client';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Question, streamEncode } from 'dns-packet';

const ZONE = 'cluster.local';
const SERVICE_NAME = 'kubernetes.io/service-name';
/** Of all records; nobody is to hold on to one for long. */
const fixed = { ttl: 5, class: 'IN' } as const;
const PORT = 53;
const NAME_ERROR = 3;
const LENGTH_BYTES = 2;

/** Answers at port 53 of an address, over UDP and TCP, until the process ends. Names of elsewhere do not exist. */
export async function startDns(client: Client, address: string): Promise<void> {
  const informers = new InformerFactory(client);
  const services = informers.informer('services');
  const slices = informers.informer('endpointslices.discovery.k8s.io');
  informers.start();
  await informers.synced();
  const respond = (query: Buffer) => {
    const { id, questions = [] } = decode(query);
    const known = recordsOf(services.store.list(), slices.store.list());
    const answers = questions.flatMap((question) => answersTo(question, known));
    const exists = questions.every(({ name }) => known.has(name.toLowerCase()));
    const flags = AUTHORITATIVE_ANSWER | (exists ? 0 : NAME_ERROR);
    return { type: 'response', id, flags, questions, answers } as const;
  };
  const datagrams = createSocket('udp4');
  datagrams.on('message', (query, { port, address: asker }) => datagrams.send(encode(respond(query)), port, asker));
  datagrams.bind(PORT, address);
  const streams = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= LENGTH_BYTES) {
        const end = LENGTH_BYTES + received.readUInt16BE();
        if (received.length < end) return;
        socket.write(streamEncode(respond(received.subarray(LENGTH_BYTES, end))));
        received = received.subarray(end);
      }
    });
  }).listen(PORT, address);
  await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')]);
}

/** Those that were asked for, and where the name is another's, that one's. */
export function answersTo({ name, type }: Question, known: ReadonlyMap<string, readonly Answer[]>): Answer[] {
  const all = known.get(name.toLowerCase()) ?? [];
  return all.flatMap((answer) => {
    if (answer.type === 'CNAME')
      return [answer, ...(type === 'CNAME' ? [] : answersTo({ name: answer.data, type }, known))];
    return answer.type === type ? [answer] : [];
  });
}

/** @returns all there are, by name */
export function recordsOf(services: readonly Service[], slices: readonly EndpointSlice[]): Map<string, Answer[]> {
  const known = new Map<string, Answer[]>();
  for (const service of services) {
    for (const record of ofService(service, slices))
      known.set(record.name, [...(known.get(record.name) ?? []), record]);
  }
  return known;
}

function ofService({ metadata, spec = {} }: Service, slices: readonly EndpointSlice[]): Answer[] {
  const { name, namespace } = metadata;
  const service = `${name}.${namespace}.svc.${ZONE}`;
  if (spec.type === 'ExternalName') return [{ ...fixed, name: service, type: 'CNAME', data: spec.externalName! }];
  if (spec.clusterIP !== 'None') return ofHost(service, service, spec.clusterIP ?? '', spec.ports ?? []);
  const own = slices.filter(
    (slice) => slice.metadata.namespace === namespace && slice.metadata.labels?.[SERVICE_NAME] === name,
  );
  return own.flatMap(({ endpoints, ports }) =>
    (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ hostname, addresses }) =>
        (addresses ?? []).flatMap((address) => {
          const host = `${hostname || address.replaceAll('.', '-')}.${service}`;
          return [
            { ...fixed, name: service, type: 'A', data: address } as const,
            ...ofHost(service, host, address, ports ?? []),
          ];
        }),
      ),
  );
}

interface Port {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
}

/** Of what has an address, and ports that belong to a service. */
function ofHost(service: string, host: string, address: string, ports: readonly Port[]): Answer[] {
  const reversed = `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const records: Answer[] = [
    { ...fixed, name: host, type: 'A', data: address },
    { ...fixed, name: reversed, type: 'PTR', data: host },
  ];
  for (const { name, protocol = 'TCP', port } of ports) {
    const data = { target: host, port: port ?? 0, priority: 0, weight: 100 };
    if (name) records.push({ ...fixed, name: `_${name}._${protocol.toLowerCase()}.${service}`, type: 'SRV', data });
  }
  return records;
}
