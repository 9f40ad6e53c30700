/** A service of gRPC and its messages, as protobufjs's descriptors in JSON have them. */
import protobuf from 'protobufjs/light.js';

/**
 * By method: what goes in and what comes out; of a method that answers with a stream an `AsyncIterable` of what comes out. What
 * was decoded has all its fields: absent messages are `null`, enums the names of their values, 64-bit numbers numbers.
 */
export type Methods<M> = { readonly [Name in keyof M]: readonly [request: object, response: object] };

export interface Method {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly streams: boolean;
  readonly request: Message;
  readonly response: Message;
}

export interface Message {
  /** @throws Error where a field has not the type that it should have */
  encode(value: object): Buffer;
  /** @throws Error */
  decode(bytes: Buffer): object;
}

const roots = new WeakMap<object, protobuf.Root>();

export class Service<M extends Methods<M>> {
  readonly #service: protobuf.Service;
  readonly #methods = new Map<string, Method>();
  /** So that two services of the same methods are two types. */
  declare readonly methods: M;

  /** @param descriptors generated ones, say. @param name with its package. @throws Error where they have no such service */
  constructor(descriptors: object, name: string) {
    this.#service = rootOf(descriptors).lookupService(name);
  }

  /** Those of which there are descriptors. */
  get names(): readonly string[] {
    return Object.keys(this.#service.methods);
  }

  /** @throws Error where there is none of that name */
  method(name: string): Method {
    const known = this.#methods.get(name);
    if (known) return known;
    const found = this.#service.methods[name];
    if (!found) throw new Error(`${this.#service.fullName} has no method ${name}`);
    const method = {
      path: `/${this.#service.fullName.slice(1)}/${name}`,
      streams: found.responseStream === true,
      request: messageOf(this.#service.lookupType(found.requestType)),
      response: messageOf(this.#service.lookupType(found.responseType)),
    };
    this.#methods.set(name, method);
    return method;
  }
}

function rootOf(descriptors: object): protobuf.Root {
  const root = roots.get(descriptors) ?? protobuf.Root.fromJSON(descriptors as protobuf.INamespace);
  roots.set(descriptors, root);
  return root;
}

function messageOf(type: protobuf.Type): Message {
  return {
    encode: (value) => Buffer.from(type.encode(type.fromObject(value)).finish()),
    decode: (bytes) =>
      type.toObject(type.decode(bytes), { longs: Number, enums: String, arrays: true, objects: true, defaults: true }),
  };
}

/** A message that is no method's own. @param name with its package. @throws Error where there is none of that name */
export function message(descriptors: object, name: string): Message {
  return messageOf(rootOf(descriptors).lookupType(name));
}
