/**
 * What objects look like on the wire, made once however many ask for it: an object is read, converted and encoded for all watches
 * of one form together, and events that came at once are put together for all who see all of them.
 */
import type { CachedObject } from '../registry/cached-objects.ts';
import type { CacheEvent } from '../registry/cacher.ts';
import type { Representation } from './representation.ts';

/** Bounded: the newest stay, which are those that everybody who watches is about to be sent. */
export class FrameCache<K extends object> {
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #frames = new Map<K, Map<string, Buffer>>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param form what of the object it is; the same object and form always give the same bytes */
  get(object: K, form: string, make: () => Buffer): Buffer {
    const known = this.find(object, form);
    if (known) return known;
    const frame = make();
    this.keep(object, form, frame);
    return frame;
  }

  find(object: K, form: string): Buffer | undefined {
    return this.#frames.get(object)?.get(form);
  }

  /** @param frame what nobody has kept of the object in that form */
  keep(object: K, form: string, frame: Buffer): void {
    const forms = this.#frames.get(object);
    if (forms) forms.set(form, frame);
    else this.#frames.set(object, new Map([[form, frame]]));
    this.#bytes += frame.length;
    if (this.#bytes > this.#maxBytes) this.#shrink();
  }

  #shrink(): void {
    for (const [object, forms] of this.#frames) {
      if (this.#bytes <= this.#maxBytes) return;
      for (const { length } of forms.values()) this.#bytes -= length;
      this.#frames.delete(object);
    }
  }
}

/** Frames of events, by form and type, and bodies of answers, by form. */
export const frames = new FrameCache<CachedObject>(16 * 1024 * 1024);

/** The frames of several events, one after the other. */
export interface EventPiece {
  readonly bytes: Buffer;
  /** Of each frame. */
  readonly sizes: readonly number[];
}

const pieces = new WeakMap<readonly CacheEvent[], Map<string, EventPiece>>();

/**
 * @param events the same array for all who are told of them
 * @param form of the representation
 */
export function pieceOf(events: readonly CacheEvent[], representation: Representation, form: string): EventPiece {
  let forms = pieces.get(events);
  if (!forms) {
    forms = new Map();
    pieces.set(events, forms);
  }
  let piece = forms.get(form);
  if (!piece) {
    const each = events.map(({ type, object }) => representation.event(type, object));
    piece = { bytes: Buffer.concat(each), sizes: each.map(({ length }) => length) };
    forms.set(form, piece);
  }
  return piece;
}
