/** What a controller is, and what it is given. docs/controllers.md draws the way from a change to a write. */
import type { Client, EventRecorder, InformerFactory, World } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import type { Gate } from './gates.ts';
import type { ControllerSettings } from './settings.ts';

/** What a controller starts with. Its client is its own identity: nothing is allowed to it that its role does not allow. */
export interface ControllerContext {
  /** Acts as `system:serviceaccount:kube-system:<account>`. */
  readonly client: Client;
  /** Copies of collections, shared by all controllers and read with the manager's own identity. Objects in them are never changed. */
  readonly informers: InformerFactory;
  /** Tells events in the name of `source.component`. */
  recorder(component: string): EventRecorder;
  readonly world: World;
  readonly settings: ControllerSettings;
  /** Of the process; undefined where nobody reads it. */
  readonly metrics?: MetricsRegistry | undefined;
}

/** A controller as a fact: who it is, and how it is started. `start` is loaded when the controller is wanted. */
export interface Controller {
  /** As `--controllers` names it (cmd/kube-controller-manager/names/controller_names.go). */
  readonly name: string;
  /** What `--controllers` also takes for it. */
  readonly alias?: string;
  /** Service account in kube-system that it acts as; without it as the manager itself, which makes those accounts' tokens. */
  readonly account?: string;
  /** Without this feature gate it does not run, whatever `--controllers` says. */
  readonly gate?: Gate;
  /** Runs only where `--controllers` names it. */
  readonly offByDefault?: boolean;
  /**
   * Puts its handlers on informers, then works once they are synced. `undefined`: the settings leave it nothing to do.
   */
  start(context: ControllerContext): Promise<Running | undefined>;
}
