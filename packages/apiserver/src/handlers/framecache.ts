/**
 * What objects look like on the wire, made once however many ask for it. Bounded: the newest stay, which are those that
 * everybody who watches is about to be sent.
 */
export class FrameCache<K extends object> {
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #frames = new Map<K, Map<string, Buffer>>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param form what of the object it is; the same object and form always give the same bytes */
  get(object: K, form: string, make: () => Buffer): Buffer {
    const forms = this.#frames.get(object);
    const known = forms?.get(form);
    if (known) return known;
    const frame = make();
    if (forms) forms.set(form, frame);
    else this.#frames.set(object, new Map([[form, frame]]));
    this.#bytes += frame.length;
    if (this.#bytes > this.#maxBytes) this.#shrink();
    return frame;
  }

  #shrink(): void {
    for (const [object, forms] of this.#frames) {
      if (this.#bytes <= this.#maxBytes) return;
      for (const { length } of forms.values()) this.#bytes -= length;
      this.#frames.delete(object);
    }
  }
}
