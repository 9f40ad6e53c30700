/** Calls to a container runtime on its socket (CRI v1 over gRPC). */
import {
  ChannelCredentials,
  Client,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { criDescriptors } from '../../generated/cri-v1.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtime.ts';
import type { Methods } from './messages.ts';
import type { Operations } from './operations.ts';

const root = protobuf.Root.fromJSON(criDescriptors as protobuf.INamespace);
// Descriptors in JSON have no room for fields of the name `options`.
const OPTIONS = [
  { message: 'DNSConfig', id: 3, type: 'string', rule: 'repeated' },
  { message: 'Namespace', id: 2, type: 'NamespaceOption', rule: undefined },
];
for (const { message, id, type, rule } of OPTIONS) {
  const found = root.lookupType(message);
  if (!found.fields.options) found.add(new protobuf.Field('options', id, type, rule));
}
const PACKAGE = 'runtime.v1';
/** Answers as large as a list of everything on a full machine. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const codeNames = new Map(
  Object.entries(status).flatMap(([name, code]) => (typeof code === 'number' ? [[code, goName(name)] as const] : [])),
);

/** `NOT_FOUND` as Go writes it: `NotFound`. */
function goName(name: string): string {
  return name === 'OK'
    ? name
    : name.toLowerCase().replace(/(^|_)(.)/g, (_, __, letter: string) => letter.toUpperCase());
}

const CODES: Readonly<Partial<Record<status, RuntimeErrorCode>>> = {
  [status.NOT_FOUND]: 'NotFound',
  [status.DEADLINE_EXCEEDED]: 'DeadlineExceeded',
  [status.UNAVAILABLE]: 'Unavailable',
  [status.UNIMPLEMENTED]: 'Unimplemented',
};

/** What runtimes say of images in words alone (k8s.io/cri-api/pkg/errors). */
function codeOf({ code, details }: ServiceError): RuntimeErrorCode {
  if (details.includes('RegistryUnavailable')) return 'RegistryUnavailable';
  if (details.includes('SignatureValidationFailed')) return 'SignatureValidationFailed';
  return CODES[code] ?? 'Failed';
}

export class CriService {
  readonly #client: Client;
  readonly #timeoutMs: number;
  readonly #operations: Operations | undefined;
  readonly #types = new Map<string, { request: protobuf.Type; response: protobuf.Type; path: string }>();

  /** @param endpoint `unix:///run/containerd/containerd.sock`. @param timeoutMs for calls that do not say their own */
  constructor(endpoint: string, timeoutMs: number, operations: Operations | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#operations = operations;
    this.#client = new Client(endpoint, ChannelCredentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
    });
  }

  /** @param timeoutMs 0 for as long as it takes. @throws RuntimeError in the words of gRPC's Go implementation */
  call<M extends keyof Methods>(
    method: M,
    request: Methods[M][0],
    timeoutMs = this.#timeoutMs,
  ): Promise<Methods[M][1]> {
    const call = () => this.#call(method, request, timeoutMs);
    return this.#operations ? this.#operations.observe(method, call) : call();
  }

  #call<M extends keyof Methods>(method: M, request: Methods[M][0], timeoutMs: number): Promise<Methods[M][1]> {
    const { path, request: requestType, response: responseType } = this.#typesOf(method);
    const deadline = timeoutMs > 0 ? Date.now() + timeoutMs : Number.POSITIVE_INFINITY;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (value: object) => Buffer.from(requestType.encode(requestType.fromObject(value)).finish()),
        (bytes: Buffer) => decoded(responseType, bytes),
        request,
        new Metadata(),
        { deadline },
        (error, value) => (error ? reject(translated(error)) : resolve(value as Methods[M][1])),
      );
    });
  }

  /** Events as they come. Ends with an error where the runtime has none, or goes away. */
  events(): ClientReadableStream<object> {
    const { path, request, response } = this.#typesOf('GetContainerEvents');
    return this.#client.makeServerStreamRequest(
      path,
      (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
      (bytes: Buffer) => decoded(response, bytes),
      {},
    );
  }

  close(): void {
    this.#client.close();
  }

  #typesOf(method: string) {
    const known = this.#types.get(method);
    if (known) return known;
    const service = ['RuntimeService', 'ImageService'].find(
      (name) => root.lookupService(`${PACKAGE}.${name}`).methods[method],
    )!;
    const { requestType, responseType } = root.lookupService(`${PACKAGE}.${service}`).methods[method]!;
    const types = {
      request: root.lookupType(`${PACKAGE}.${requestType}`),
      response: root.lookupType(`${PACKAGE}.${responseType}`),
      path: `/${PACKAGE}.${service}/${method}`,
    };
    this.#types.set(method, types);
    return types;
  }
}

function decoded(type: protobuf.Type, bytes: Buffer): object {
  return type.toObject(type.decode(bytes), {
    longs: Number,
    enums: String,
    arrays: true,
    objects: true,
    defaults: true,
  });
}

function translated(error: ServiceError): RuntimeError {
  const name = codeNames.get(error.code) ?? 'Unknown';
  return new RuntimeError(codeOf(error), `rpc error: code = ${name} desc = ${error.details}`, error);
}
