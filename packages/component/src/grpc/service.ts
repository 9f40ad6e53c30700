/** A service of gRPC and its messages, as protobufjs's descriptors in JSON have them. */
import { type Descriptor, type Message, Messages } from './messages.ts';

/** By method: what goes in and what comes out; of a method that answers with a stream an `AsyncIterable` of what comes out. */
export type Methods<M> = { readonly [Name in keyof M]: readonly [request: object, response: object] };

export interface Method {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly streams: boolean;
  readonly request: Message;
  readonly response: Message;
}

const described = new WeakMap<Descriptor, Messages>();

export class Service<M extends Methods<M>> {
  readonly #name: string;
  readonly #messages: Messages;
  readonly #methods = new Map<string, Method>();
  /** So that two services of the same methods are two types. */
  declare readonly methods: M;

  /** @param descriptors generated ones, say. @param name with its package */
  constructor(descriptors: Descriptor, name: string) {
    this.#messages = messagesOf(descriptors);
    this.#name = name;
  }

  /** Those of which there are descriptors. @throws Error where there is no such service */
  get names(): readonly string[] {
    return Object.keys(this.#messages.methods(this.#name));
  }

  /** @throws Error where there is none of that name */
  method(name: string): Method {
    const known = this.#methods.get(name);
    if (known) return known;
    const found = this.#messages.methods(this.#name)[name];
    if (!found) throw new Error(`${this.#name} has no method ${name}`);
    const method = {
      path: `/${this.#name}/${name}`,
      streams: found.responseStream === true,
      request: this.#messages.message(found.requestType, this.#name),
      response: this.#messages.message(found.responseType, this.#name),
    };
    this.#methods.set(name, method);
    return method;
  }
}

function messagesOf(descriptors: Descriptor): Messages {
  const messages = described.get(descriptors) ?? new Messages(descriptors);
  described.set(descriptors, messages);
  return messages;
}

/** A message that is no method's own. @param name with its package. @throws Error where there is none of that name */
export function message(descriptors: Descriptor, name: string): Message {
  return messagesOf(descriptors).message(name);
}
