/** How the API server reaches the kubelet of a node (pkg/kubelet/client). */
import type { ConnectionOptions } from 'node:tls';
import { type GroupResource, notFound, StatusError } from '@keelson/api/errors';
import type { Node } from '@keelson/api/generated/types/core/v1';
import { trusting } from '@keelson/component/trust';
import type { ServerConfig } from '../config.ts';
import type { Objects } from '../objects.ts';
import type { Backend } from './backend.ts';

export interface KubeletConnection {
  readonly host: string;
  readonly port: string;
  /** Features that the kubelet says it has. */
  readonly features: readonly string[];
  backend(path: string, query: string): Backend;
  /** Without asking for a certificate that can be trusted. */
  insecureBackend(path: string, query: string): Backend;
}

const DEFAULT_PORT = 10250;
/** The default of `--kubelet-preferred-address-types`. */
const ADDRESS_TYPES = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'];

export class Kubelets {
  readonly #objects: Objects;
  readonly #config: ServerConfig['kubelet'];

  constructor(objects: Objects, config: ServerConfig['kubelet']) {
    this.#objects = objects;
    this.#config = config;
  }

  /**
   * @param asked what the request is about: upstream's 404 says it of a missing node, too
   * @throws StatusError 404, or 500 for a node without a usable address
   */
  async of(nodeName: string, asked: GroupResource): Promise<KubeletConnection> {
    const node = await this.#objects.getLive('nodes', '', nodeName);
    if (!node) throw notFound(asked, nodeName);
    const host = this.#addressOf(node);
    const reported = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    const port = String(reported > 0 ? reported : DEFAULT_PORT);
    const at = (path: string, query: string, tls: ConnectionOptions): Backend => ({
      scheme: 'https',
      host,
      port,
      path,
      query,
      tls,
    });
    return {
      host,
      port,
      features: node.status?.declaredFeatures ?? [],
      backend: (path, query) => at(path, query, this.#tls(false)),
      insecureBackend: (path, query) => at(path, query, this.#tls(true)),
    };
  }

  #addressOf(node: Node): string {
    const addresses = node.status?.addresses ?? [];
    for (const type of this.#config?.preferredAddressTypes ?? ADDRESS_TYPES) {
      const found = addresses.find((a) => a.type === type);
      if (found) return found.address;
    }
    const known = addresses.map((a) => `{${a.type} ${a.address}}`).join(' ');
    throw new StatusError(500, '', `no preferred addresses found; known addresses: [${known}]`);
  }

  /** Read for every connection: files are replaced while the server runs. */
  #tls(insecure: boolean): ConnectionOptions {
    const certificate = this.#config?.clientCertificate?.get();
    const ca = insecure ? undefined : this.#config?.certificateAuthority?.get();
    return {
      ...(certificate ? { cert: certificate.cert, key: certificate.key } : {}),
      ...(ca === undefined ? { rejectUnauthorized: false } : trusting(ca)),
    };
  }
}
