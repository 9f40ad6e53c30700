/**
 * The names of a cluster (kubernetes/dns docs/specification.md), answered as CoreDNS's plugin `kubernetes` does with `pods insecure`.
 * Nothing is kept: each question is looked up in the directory.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { Answer, Question, SoaAnswer } from 'dns-packet';
import { addressesOf, canonical, type Directory } from './directory.ts';

export type Found =
  /** No answers: the name is there, without such a record. */
  | { readonly status: 'found'; readonly answers: readonly Answer[]; readonly additionals?: readonly Answer[] }
  /** Another name, which has to be asked in its place. */
  | { readonly status: 'alias'; readonly answer: Answer; readonly target: string }
  | { readonly status: 'missing' }
  /** It is for others to say. */
  | { readonly status: 'elsewhere' };

/** Of the specification that the names follow. */
const SCHEMA_VERSION = '1.1.0';
const TTL_SECONDS = 5;
const REVERSED = /^(.+)\.(in-addr|ip6)\.arpa$/;
/** Of all records of one name together. */
const WEIGHT = 100;

const NOTHING: Found = { status: 'found', answers: [] };
const MISSING: Found = { status: 'missing' };
const ELSEWHERE: Found = { status: 'elsewhere' };

/** A place where a service is reached. */
interface Host {
  readonly name: string;
  readonly address: string;
  readonly port: number | undefined;
}

export class Zone {
  readonly #domain: string;
  readonly #directory: Directory;
  readonly #serverAddresses: readonly string[];

  /** @param serverAddresses at which pods reach the name server */
  constructor(domain: string, directory: Directory, serverAddresses: readonly string[]) {
    this.#domain = domain.toLowerCase();
    this.#directory = directory;
    this.#serverAddresses = serverAddresses;
  }

  look(question: Question): Found {
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const reversed = REVERSED.exec(name);
    if (reversed) return this.#reverse(question, reversed[1]!, reversed[2]!);
    if (name === this.#domain) return this.#apex(question);
    if (!name.endsWith(`.${this.#domain}`)) return ELSEWHERE;
    const labels = name
      .slice(0, -this.#domain.length - 1)
      .split('.')
      .reverse();
    if (labels.join('.') === 'dns-version')
      return question.type === 'TXT' ? found([{ ...record(question), type: 'TXT', data: SCHEMA_VERSION }]) : NOTHING;
    if (labels.join('.') === 'dns.ns') return this.#addresses(question, this.#serverAddresses);
    if (labels.join('.') === 'dns') return NOTHING;
    const [kind, namespace, ...rest] = labels;
    if (kind !== 'svc' && kind !== 'pod') return MISSING;
    if (namespace === undefined) return NOTHING;
    if (!this.#directory.hasNamespace(namespace)) return MISSING;
    if (rest.length === 0) return NOTHING;
    return kind === 'pod' ? this.#pod(question, rest) : this.#service(question, namespace, rest);
  }

  /** Says who answers for the zone, and how long it may be remembered that something is not there. */
  get authority(): SoaAnswer {
    return {
      name: this.#domain,
      type: 'SOA',
      class: 'IN',
      ttl: TTL_SECONDS,
      data: {
        mname: `ns.dns.${this.#domain}`,
        rname: `hostmaster.${this.#domain}`,
        serial: 1,
        refresh: 7_200,
        retry: 1_800,
        expire: 86_400,
        minimum: TTL_SECONDS,
      },
    };
  }

  #apex(question: Question): Found {
    if (question.type === 'SOA') return found([this.authority]);
    return question.type === 'NS'
      ? found([{ ...record(question), type: 'NS', data: `ns.dns.${this.#domain}` }])
      : NOTHING;
  }

  #pod(question: Question, [name = '', ...more]: readonly string[]): Found {
    const address = [name.replaceAll('-', '.'), name.replaceAll('-', ':')].find((text) => isIP(text) !== 0);
    return address === undefined || more.length > 0 ? MISSING : this.#addresses(question, [address]);
  }

  /** @param labels from the service's on, to the left */
  #service(question: Question, namespace: string, [name = '', ...more]: readonly string[]): Found {
    const service = this.#directory.service(namespace, name);
    if (service === undefined || more.length > 2) return MISSING;
    const { externalName, type, clusterIP } = service.spec ?? {};
    if (type === 'ExternalName') return more.length > 0 ? MISSING : alias(question, externalName ?? '');
    const endpoint = more.length === 1 ? more[0] : undefined;
    const port = more.length === 2 ? portOf(more) : undefined;
    if (more.length === 2 && port === undefined) return MISSING;
    const hosts =
      clusterIP === 'None' || endpoint !== undefined
        ? this.#endpoints(service, endpoint, port)
        : this.#clusterHosts(service, port);
    if (hosts.length === 0) return MISSING;
    return question.type === 'SRV'
      ? services(question, hosts)
      : this.#addresses(
          question,
          hosts.map((host) => host.address),
        );
  }

  #clusterHosts(service: Service, wanted: PortName | undefined): Host[] {
    const name = this.#nameOf(service);
    const ports = (service.spec?.ports ?? []).filter((port) => matches(port, wanted));
    return addressesOf(service).flatMap((address) => ports.map(({ port }) => ({ name, address, port })));
  }

  #endpoints(service: Service, endpoint: string | undefined, wanted: PortName | undefined): Host[] {
    const { namespace, name } = service.metadata;
    return this.#directory.slices(namespace!, name!).flatMap((slice) => {
      const named = slice.ports ?? [];
      const ports =
        named.length === 0 && wanted === undefined ? [undefined] : named.filter((port) => matches(port, wanted));
      return readyHosts(slice).flatMap(({ host, address }) => {
        if (endpoint !== undefined && endpoint !== host) return [];
        return ports.map((port) => ({ name: `${host}.${this.#nameOf(service)}`, address, port: port?.port }));
      });
    });
  }

  #addresses(question: Question, all: readonly string[]): Found {
    const { type } = question;
    if (type !== 'A' && type !== 'AAAA') return NOTHING;
    const isOfType = type === 'A' ? isIPv4 : isIPv6;
    const addresses = new Set(all.filter((address) => isOfType(address)));
    return found([...addresses].map((data) => ({ ...record(question), type, data })));
  }

  #reverse(question: Question, text: string, kind: string): Found {
    const address = addressOf(text.split('.').reverse(), kind);
    if (address === undefined) return ELSEWHERE;
    const named = this.#directory.servicesAt(address).map((service) => this.#nameOf(service));
    const names = named.length > 0 ? named : this.#endpointsAt(address);
    if (names.length === 0) return ELSEWHERE;
    if (question.type !== 'PTR') return NOTHING;
    return found([...new Set(names)].map((data) => ({ ...record(question), type: 'PTR', data })));
  }

  #endpointsAt(address: string): string[] {
    return this.#directory.slicesAt(address).flatMap((slice) => {
      const { metadata } = slice;
      const name = metadata.labels?.['kubernetes.io/service-name'];
      const service = `${name}.${metadata.namespace}.svc.${this.#domain}`;
      return readyHosts(slice)
        .filter((each) => each.address === address)
        .map(({ host }) => `${host}.${service}`);
    });
  }

  #nameOf({ metadata }: Service): string {
    return `${metadata.name}.${metadata.namespace}.svc.${this.#domain}`;
  }
}

interface PortName {
  readonly name: string;
  readonly protocol: string;
}

/** Of `_port._protocol`, the labels in the opposite order. */
function portOf([protocol = '', name = '']: readonly string[]): PortName | undefined {
  return protocol.startsWith('_') && name.startsWith('_')
    ? { protocol: protocol.slice(1), name: name.slice(1) }
    : undefined;
}

interface NamedPort {
  readonly name?: string;
  readonly protocol?: string;
}

const matches = ({ name = '', protocol = 'TCP' }: NamedPort, wanted: PortName | undefined) =>
  wanted === undefined || (name.toLowerCase() === wanted.name && protocol.toLowerCase() === wanted.protocol);

function readyHosts({ endpoints, addressType }: EndpointSlice): { host: string; address: string }[] {
  if (addressType === 'FQDN') return [];
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ hostname, addresses }) =>
      (addresses ?? [])
        .map(canonical)
        .map((address) => ({ host: hostname || address.replaceAll(/[.:]/g, '-'), address })),
    );
}

const record = ({ name }: Question) => ({ name, class: 'IN' as const, ttl: TTL_SECONDS });
const found = (answers: readonly Answer[], additionals: readonly Answer[] = []): Found => ({
  status: 'found',
  answers,
  additionals,
});

function alias(question: Question, target: string): Found {
  return { status: 'alias', target, answer: { ...record(question), type: 'CNAME', data: target } };
}

function services(question: Question, hosts: readonly Host[]): Found {
  const targets = new Map(
    hosts.flatMap(({ name, port }) =>
      port === undefined ? [] : [[`${name} ${port}`, { target: name, port }] as const],
    ),
  );
  const weight = Math.floor(WEIGHT / Math.max(targets.size, 1));
  const answers = [...targets.values()].map(
    (data): Answer => ({ ...record(question), type: 'SRV', data: { ...data, priority: 0, weight } }),
  );
  const additionals = new Map(
    hosts.map(({ name, address }): [string, Answer] => [
      `${name} ${address}`,
      { ...record({ name, type: 'A' }), type: isIPv4(address) ? 'A' : 'AAAA', data: address },
    ]),
  );
  return found(answers, [...additionals.values()]);
}

/** @param labels in the address's order. @returns undefined for what is no whole address */
function addressOf(labels: readonly string[], kind: string): string | undefined {
  if (kind === 'in-addr') return isIPv4(labels.join('.')) ? labels.join('.') : undefined;
  if (labels.length !== 32 || !labels.every((label) => /^[0-9a-f]$/.test(label))) return undefined;
  return canonical(Array.from({ length: 8 }, (_, i) => labels.slice(4 * i, 4 * i + 4).join('')).join(':'));
}
