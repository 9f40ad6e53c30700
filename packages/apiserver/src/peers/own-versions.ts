/**
 * The versions that are no affair of peers: those of custom resources and API services. All servers see them in the store, though
 * not at the same time, and what a peer has said of them is out of date when they go
 * (apiserver/pkg/util/peerproxy/gv_exclusion_manager.go).
 */
import type { Clock } from '@keelson/api/clock';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { equal } from '@keelson/api/patch/value';

/** How long after their end they still count: others may not know yet. */
const GRACE_MS = 300_000;

export class OwnVersions {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  /** `group/version`s by the object that says so. */
  readonly #told = new Map<string, readonly string[]>();
  /** Until when those count that are gone. */
  readonly #gone = new Map<string, number>();

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  setDefinition({ metadata, spec }: CustomResourceDefinition): void {
    this.#set(
      `definition ${metadata.name}`,
      (spec.versions ?? []).map(({ name }) => `${spec.group}/${name}`),
    );
  }

  deleteDefinition(name: string): void {
    this.#set(`definition ${name}`, []);
  }

  setService({ metadata, spec }: APIService): void {
    this.#set(`service ${metadata.name}`, spec.service ? [`${spec.group ?? ''}/${spec.version ?? ''}`] : []);
  }

  deleteService(name: string): void {
    this.#set(`service ${name}`, []);
  }

  /** @returns those that count now, as `group/version` */
  all(): ReadonlySet<string> {
    const now = this.#clock.now();
    for (const [version, until] of this.#gone) if (until <= now) this.#gone.delete(version);
    return new Set([...[...this.#told.values()].flat(), ...this.#gone.keys()]);
  }

  #set(key: string, versions: readonly string[]): void {
    const known = this.#told.get(key) ?? [];
    if (equal(known, versions)) return;
    if (versions.length > 0) this.#told.set(key, versions);
    else this.#told.delete(key);
    const left = known.filter((version) => !versions.includes(version));
    for (const version of left) this.#gone.set(version, this.#clock.now() + GRACE_MS);
    if (left.length > 0) this.#clock.after(GRACE_MS, this.#onChange, { background: true });
    this.#onChange();
  }
}
